"""The same training in JAX, made fast.

    python jax_best.py loop "8 MLP(30)" FOLDER_OF_MNIST
    python jax_best.py scan "8 MLP(30)" FOLDER_OF_MNIST
    python jax_best.py moved "8 MLP(30)" FOLDER_OF_MNIST

"loop" compiles one iteration and calls it from Python, "scan" compiles the whole run. "moved" does, too, for an
MLP trained by SGD, and does not multiply all images at every iteration: it moves the products along with the
weights, as mnistlib does (products.go), so that the engines can be compared without that trick. The batch is the
last axis of every array. Over 2,500 images the convolution is a sum of shifted images, in chunks that
fit the cache, and the pool a maximum of four strided slices: seven times faster here than the library's
own. Several seeds are one program, by vmap. XLA uses vector registers of 512 bits where there are any.
"""

import os
import sys
import time
from functools import partial

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_prefer_vector_width=512"  # read by the import

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from work import BATCH, measure

CHUNK = 500


def new_weights(work, rng):
    """The weights [out, in…] and biases [out] as PyTorch draws them, and batch norm's."""
    def layer(*shape):
        bound = 0 if work.zero else 1 / np.sqrt(np.prod(shape[1:]))
        return (rng.uniform(-bound, bound, shape).astype(np.float32),
                rng.uniform(-bound, bound, shape[0]).astype(np.float32))

    def norm(size):
        return np.ones(size, np.float32), np.zeros(size, np.float32)

    h = work.hidden
    return {
        "MLP": lambda: {"layer1": layer(h, 784), "layer2": layer(10, h)},
        "MLPBN": lambda: {"layer1": layer(h, 784), "bn": norm(h), "layer2": layer(10, h)},
        "CNN": lambda: {"conv1": layer(4, 1, 3, 3), "conv2": layer(8, 4, 3, 3), "fc": layer(10, 392)},
        "CNNBN": lambda: {"conv1": layer(4, 1, 3, 3), "bn1": norm(4), "conv2": layer(8, 4, 3, 3), "bn2": norm(8),
                          "fc": layer(10, 392)},
    }[work.model]()


def new_statistics(weights):
    """Batch norm's running mean and variance."""
    return {name: (np.zeros_like(w[0]), np.ones_like(w[0])) for name, w in weights.items() if name.startswith("bn")}


def linear(w, x):
    return w[0] @ x + w[1][:, None]


def convolution(w, x, training):
    if training:
        y = lax.conv_general_dilated(x, w[0], (1, 1), "SAME", dimension_numbers=("CHWN", "OIHW", "CHWN"))
    else:
        height, width = x.shape[1:3]
        padded = lax.optimization_barrier(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))))
        y = sum(sum(w[0][:, c, i, j, None, None, None] * padded[c, i:i + height, j:j + width]
                    for i in range(3) for j in range(3)) for c in range(x.shape[0]))
    return y + w[1][:, None, None, None]


def pool(x):
    return jnp.maximum(jnp.maximum(x[:, ::2, ::2], x[:, ::2, 1::2]), jnp.maximum(x[:, 1::2, ::2], x[:, 1::2, 1::2]))


def batch_norm(w, statistics, x, training):
    """Returns the output and the new running statistics."""
    axes = tuple(range(1, x.ndim))
    column = (-1,) + (1,) * (x.ndim - 1)
    mean, variance = statistics
    if training:
        mean, variance = x.mean(axes), x.var(axes)
        n = x.size // x.shape[0]
        statistics = (0.9 * statistics[0] + 0.1 * mean, 0.9 * statistics[1] + 0.1 * variance * n / (n - 1))
    scale = w[0] / jnp.sqrt(variance + 1e-5)
    return (x - mean.reshape(column)) * scale.reshape(column) + w[1].reshape(column), statistics


def forward(work, weights, statistics, x, training):
    """The logits [10, images] of images [1, 28, 28, images], and the new running statistics."""
    if work.model in ("MLP", "MLPBN"):
        x = linear(weights["layer1"], x.reshape(784, -1))
        if work.model == "MLP":
            x = jax.nn.relu(x)
        else:
            x = x if work.before_relu else jax.nn.relu(x)
            x, bn = batch_norm(weights["bn"], statistics["bn"], x, training)
            x = jax.nn.relu(x) if work.before_relu else x
            statistics = {"bn": bn}
        return linear(weights["layer2"], x), statistics
    new = {}
    for conv, bn in (("conv1", "bn1"), ("conv2", "bn2")):
        x = jax.nn.relu(convolution(weights[conv], x, training))
        if bn in statistics:
            x, new[bn] = batch_norm(weights[bn], statistics[bn], x, training)
        x = pool(x)
    return linear(weights["fc"], x.reshape(392, -1)), new


def optimize(work, weights, gradients, memory, t):
    """One step of the optimizer as PyTorch defines it; memory starts at zero, t at 1."""
    leaves, tree = jax.tree.flatten(weights)
    gradients = jax.tree.leaves(gradients)
    if work.optimizer == "SGD":
        memory = [work.momentum * v + g for v, g in zip(memory, gradients)] if work.momentum else memory
        steps = memory if work.momentum else gradients
        leaves = [w - work.lr * v for w, v in zip(leaves, steps)]
    else:
        memory = [(0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g) for (m, v), g in zip(memory, gradients)]
        leaves = [w - work.lr * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
                  for w, (m, v) in zip(leaves, memory)]
    return jax.tree.unflatten(tree, leaves), memory


def new_memory(work, weights):
    zeros = [np.zeros_like(w) for w in jax.tree.leaves(weights)]
    if work.optimizer == "Adam":
        return [(z, z) for z in zeros]
    return zeros if work.momentum else []


def iteration(work, chunks, rows, labels, state, batch):
    """One step, then the images got right; state is (weights, statistics, memory, t).

    The images come twice: as rows [2500, 784], from which a batch is quickly gathered, and batch last in
    chunks [chunks, 1, 28, 28, images].
    """
    weights, statistics, memory, t = state

    def loss(weights):
        images = rows[batch].T.reshape(1, 28, 28, BATCH)
        logits, new = forward(work, weights, statistics, images, training=True)
        log_p = jax.nn.log_softmax(logits, axis=0)
        return -jnp.take_along_axis(log_p, labels[batch][None], axis=0).mean(), new

    (value, statistics), gradients = jax.value_and_grad(loss, has_aux=True)(weights)
    t = t + 1
    weights, memory = optimize(work, weights, gradients, memory, t)

    def predict(chunk):
        logits, _ = forward(work, weights, statistics, chunk, training=False)
        largest = logits.max(0)
        return jnp.where(logits == largest, jnp.arange(10)[:, None], 10).min(0)  # faster to compile than argmax

    prediction = lax.map(predict, chunks).reshape(-1)
    right = prediction == labels
    return (weights, statistics, memory, t), (value, right[:2000].mean(), right[2000:].mean())


def moved_epoch(work, rows, labels, gram, state, batches):
    """One epoch of an MLP trained by SGD, whose products of layer1 with all images move along with the weights."""

    def head(weights, product):  # the logits from the product of layer1's weights with the images
        return linear(weights["layer2"], jax.nn.relu(product + weights["layer1"][1][:, None]))

    def step(state, batch):
        weights, memory, products = state
        images = rows[batch].T

        def loss(weights, product):
            log_p = jax.nn.log_softmax(head(weights, product), axis=0)
            return -jnp.take_along_axis(log_p, labels[batch][None], axis=0).mean()

        product = weights["layer1"][0] @ images
        value, (gradients, by_product) = jax.value_and_grad(loss, (0, 1))(weights, product)
        gradients["layer1"] = by_product @ images.T, gradients["layer1"][1]
        # The optimizer moves the products as if they were weights.
        both, memory = optimize(work, (weights, products), (gradients, by_product @ gram[batch]), memory, 0)
        logits = head(*both)
        prediction = jnp.where(logits == logits.max(0), jnp.arange(10)[:, None], 10).min(0)
        right = prediction == labels
        return (both[0], memory, both[1]), (value, right[:2000].mean(), right[2000:].mean())

    weights, memory = state
    products = (rows @ weights["layer1"][0].T).T  # anew in each epoch, so that rounding errors do not gather
    (weights, memory, _), results = lax.scan(step, (weights, memory, products), batches)
    return (weights, memory), results


def moved_run(work, chunks, rows, labels, state, batches):
    """A whole run of moved_epochs; batches are [iterations, BATCH]."""
    weights, _, _, _ = state
    gram = rows[:2000] @ rows.T
    memory = [jnp.zeros_like(w) for w in jax.tree.leaves((weights, jnp.zeros((work.hidden, 2500))))] if work.momentum else []
    epochs = batches.reshape(work.epochs, -1, BATCH)
    _, results = lax.scan(lambda s, b: moved_epoch(work, rows, labels, gram, s, b), (weights, memory), epochs)
    return None, jax.tree.map(lambda r: r.reshape(-1), results)


def train(how, work, pixels, labels):
    started = time.perf_counter()
    rng = np.random.default_rng()
    rows = jnp.asarray(pixels / np.float32(255))
    labels = jnp.asarray(labels.astype(np.int32))
    size = CHUNK if work.model.startswith("CNN") else 2500
    chunks = rows.reshape(-1, size, 784).transpose(0, 2, 1).reshape(-1, 1, 28, 28, size)
    per_epoch = 2000 // BATCH

    def order():
        epochs = [rng.permutation(2000) if work.shuffle else np.arange(2000) for _ in range(work.epochs)]
        return np.concatenate([e[:per_epoch * BATCH].reshape(-1, BATCH) for e in epochs]).astype(np.int32)

    def start():
        weights = new_weights(work, rng)
        return weights, new_statistics(weights), new_memory(work, weights), np.float32(0)

    state, batches = start(), order()
    step = partial(iteration, work)
    if work.seeds > 1:
        states = [start() for _ in range(work.seeds)]
        state = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
        batches = np.stack([order() for _ in range(work.seeds)], axis=1)  # [iterations, seeds, BATCH]
        step = jax.vmap(step, in_axes=(None, None, None, 0, 0))
    state, batches = jax.device_put((state, batches))

    jax.block_until_ready((chunks, rows, labels, state, batches))
    begin = time.perf_counter()
    if how == "loop":
        program = jax.jit(step, donate_argnums=3).lower(chunks, rows, labels, state, batches[0]).compile()
    elif how == "moved":
        whole = partial(moved_run, work)
        if work.seeds > 1:
            whole = jax.vmap(whole, in_axes=(None, None, None, 0, 1), out_axes=1)
        program = jax.jit(whole).lower(chunks, rows, labels, state, batches).compile()
    else:
        def whole(chunks, rows, labels, state, batches):
            return lax.scan(lambda s, b: step(chunks, rows, labels, s, b), state, batches)
        program = jax.jit(whole, donate_argnums=3).lower(chunks, rows, labels, state, batches).compile()
    compile_seconds = time.perf_counter() - begin

    if how == "loop":
        results = []
        for batch in list(batches):
            state, result = program(chunks, rows, labels, state, batch)
            results.append(result)
        results = [np.stack(r) for r in zip(*results)]
    else:
        state, results = program(chunks, rows, labels, state, batches)
    _, train_accuracy, validation_accuracy = (np.asarray(r).reshape(len(batches), -1).T for r in results)
    return train_accuracy, validation_accuracy, begin - started, compile_seconds


if __name__ == "__main__":
    how = sys.argv.pop(1)
    measure(partial(train, how))
