package mnistlib

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// A trainingProgram trains a model for an epoch, or a part of one. What is in it makes another
// compilation necessary; the learning rate and all other numbers of an optimizer are inputs.
type trainingProgram struct {
	network    *network
	optimizer  Optimizer
	read       *step // what the optimizer does with each weight
	batchSize  int
	iterations int        // in an epoch
	evaluation evaluation // which images are evaluated, and how
	inLoop     bool       // they are evaluated after every iteration
	moved      bool       // their products with the weights are moved along: see products.go
}

// The places of a training program's constants: what all iterations of an epoch read.
const (
	trainPixels     = iota // of all training images (uint8 [images, 784])
	trainLabels            // int32 [images]
	epochOrder             // of the training images, batch by batch (int32 [iterations, batch])
	epochNumbers           // the optimizer's at each iteration [iterations, numbers]
	evaluatedImages        // chunk by chunk, if they are evaluated in the loop
	evaluatedLabels
	gramRows // the Gram matrix, if the products are moved
)

// key is equal for equal programs.
func (p *trainingProgram) key() string {
	key := fmt.Sprint(p.network.dtype, p.network.layers, p.batchSize, p.iterations, p.evaluation, p.inLoop, p.moved)
	for _, s := range p.network.specs {
		key += fmt.Sprint(s)
	}
	return key + fmt.Sprint(p.read.operations)
}

// build builds the program. Its inputs are, in this order:
//
//   - the first iteration of the epoch to do, and the one after the last (int32, counted from 0);
//   - zeros, to be filled with the iterations' losses [iterations], with how many training and validation
//     images are right after each (int32 [iterations]), and with which are right after the last (bool [images]);
//   - the weights; the slots of the optimizer for each; those for each moved product;
//   - the constants.
//
// Its outputs are how many iterations of the epoch are done, and then the inputs from the losses to the slots. It
// stops behind a loss that is not finite.
func (p *trainingProgram) build(g *Graph) []*Node {
	net := p.network
	first, last := Parameter(g, "first", shapes.Make(dtypes.Int32)), Parameter(g, "last", shapes.Make(dtypes.Int32))
	records := []*Node{
		Parameter(g, "losses", shapes.Make(net.dtype, p.iterations)),
		Parameter(g, "right in training", shapes.Make(dtypes.Int32, p.iterations)),
		Parameter(g, "right in validation", shapes.Make(dtypes.Int32, p.iterations)),
		Parameter(g, "right", shapes.Make(dtypes.Bool, p.evaluation.numImages)),
	}
	weights := net.weightParameters(g)
	slots := p.slotParameters(g)
	constants := p.constantParameters(g)
	var products []*Node
	if p.moved {
		products = multiplyImages(Reshape(constants[evaluatedImages], p.evaluation.chunkSize, NumPixels), net.imageWeights(net.layersWith(weights, false)))
	}

	running := Const(g, true)
	state := concat([]*Node{first, running, last}, records, weights, slots, products, constants)
	numWeights, numSlots, numProducts := len(weights), len(slots), len(products)
	parts := func(state []*Node) (records, weights, slots, products, constants []*Node) {
		take := func(n int) (taken []*Node) {
			taken, state = state[:n], state[n:]
			return taken
		}
		take(3)
		records, weights, slots = take(4), take(numWeights), take(numSlots)
		return records, weights, slots, take(numProducts), state
	}
	more := func(s []*Node) *Node { return LogicalAnd(s[1], LessThan(s[0], s[2])) }
	iterate := func(s []*Node) []*Node {
		i, last := s[0], s[2]
		records, weights, slots, products, constants := parts(s)
		weights, slots, products, loss := p.trainStep(i, weights, slots, products, constants)
		written := slices.Clone(records)
		write := func(k int, value *Node) {
			written[k] = Where(Equal(Iota(i.Graph(), shapes.Make(dtypes.Int32, p.iterations), 0), i), value, records[k])
		}
		write(0, loss)
		if p.inLoop {
			right := p.evaluation.rightImages(net, weights, products, constants[evaluatedImages], constants[evaluatedLabels])
			train, validation := p.evaluation.countRight(right)
			write(1, train)
			write(2, validation)
			written[3] = right
		}
		return concat([]*Node{AddScalar(i, 1), IsFinite(loss), last}, written, weights, slots, products, constants)
	}
	done := loop(g, state, more, iterate)
	records, weights, slots, _, _ = parts(done)
	return concat(done[:1], records, weights, slots)
}

// trainStep is one step of training, iteration i of the epoch: from the weights and what the optimizer remembers to
// those after it, and the mean loss of the batch before it.
func (p *trainingProgram) trainStep(i *Node, weights, slots, products, constants []*Node) (newWeights, newSlots, newProducts []*Node, loss *Node) {
	net := p.network
	pixels, labels, order, numbers := constants[trainPixels], constants[trainLabels], constants[epochOrder], constants[epochNumbers]
	batch := InsertAxes(Gather(order, Reshape(i, 1)), -1)
	numbers = Reshape(Gather(numbers, Reshape(i, 1)), -1)

	images := Transpose(DivScalar(ConvertDType(Gather(pixels, batch), net.dtype), 255), 0, 1)
	nn := net.layersWith(weights, true)
	x := &Tensor{shape: imageShape, node: Reshape(images, 1, imageSize, imageSize, p.batchSize), products: map[string]*Node{}}
	var differentiate []*Node
	for i, spec := range net.specs {
		if spec.kind.trainable() {
			differentiate = append(differentiate, weights[i])
		}
	}
	for _, k := range net.imageSpecs() {
		product := Dot(weights[k], images).Product()
		x.products[net.specs[k].name] = product
		differentiate = append(differentiate, product)
	}
	loss = crossEntropy(net.forward(nn, x), Gather(labels, batch))
	gradients := Gradient(loss, differentiate...)

	var movedSlots []*Node
	take := func(list *[]*Node, n int) []*Node {
		taken := (*list)[:n]
		*list = (*list)[n:]
		return taken
	}
	numSlots := len(p.read.slots)
	for k, spec := range net.specs {
		if !spec.kind.trainable() {
			newWeights = append(newWeights, nn.updates[spec.name])
			continue
		}
		w, s := buildStep(p.optimizer, weights[k], take(&gradients, 1)[0], take(&slots, numSlots), numbers)
		newWeights = append(newWeights, w)
		newSlots = append(newSlots, s...)
	}
	if p.moved {
		gram := Gather(constants[gramRows], batch)
		for j, dy := range gradients { // what is left of them are those by the batch's products
			product, s := buildStep(p.optimizer, products[j], Dot(dy, gram).Product(), take(&slots, numSlots), numbers)
			newProducts = append(newProducts, product)
			movedSlots = append(movedSlots, s...)
		}
	}
	return newWeights, concat(newSlots, movedSlots), newProducts, loss
}

// slotParameters are what the optimizer remembers of the weights, then of the moved products.
func (p *trainingProgram) slotParameters(g *Graph) []*Node {
	var slots []*Node
	for i, shape := range p.slotShapes() {
		slots = append(slots, Parameter(g, fmt.Sprintf("slot %d", i), shape))
	}
	return slots
}

func (p *trainingProgram) slotShapes() []shapes.Shape {
	var list []shapes.Shape
	add := func(dimensions ...int) {
		for range p.read.slots {
			list = append(list, shapes.Make(p.network.dtype, dimensions...))
		}
	}
	for _, spec := range p.network.specs {
		if spec.kind.trainable() {
			add(spec.shape...)
		}
	}
	if p.moved {
		for _, k := range p.network.imageSpecs() {
			add(p.network.specs[k].shape[0], p.evaluation.chunkSize)
		}
	}
	return list
}

// constantParameters are the constants as inputs of the program.
func (p *trainingProgram) constantParameters(g *Graph) []*Node {
	constants := []*Node{
		Parameter(g, "pixels", shapes.Make(dtypes.Uint8, p.evaluation.numTrain, NumPixels)),
		Parameter(g, "labels", shapes.Make(dtypes.Int32, p.evaluation.numTrain)),
		Parameter(g, "order", shapes.Make(dtypes.Int32, p.iterations, p.batchSize)),
		Parameter(g, "numbers", shapes.Make(p.network.dtype, p.iterations, p.numNumbers())),
	}
	if p.inLoop {
		images, labels := p.evaluation.parameters(g, p.evaluation.numChunks)
		constants = append(constants, images, labels)
	}
	if p.moved {
		constants = append(constants, Parameter(g, "gram", shapes.Make(p.network.dtype, p.evaluation.numTrain, p.evaluation.chunkSize)))
	}
	return constants
}

// worthMoving tells whether the products can be moved (see products.go), and whether that takes less than half the
// multiplications of computing them anew. The answer is the same for one run and for many, so that a run's
// numbers do not depend on how many run beside it.
func (p *trainingProgram) worthMoving() bool {
	return len(p.network.imageSpecs()) > 0 && p.inLoop && !p.evaluation.convolved && p.evaluation.numChunks == 1 &&
		p.read.isLinear() && 2*p.batchSize < NumPixels
}

// numNumbers is how many numbers the optimizer takes in one iteration, at least 1: no input is empty.
func (p *trainingProgram) numNumbers() int { return max(1, len(p.read.numbers)) }

// crossEntropy is the mean over the batch of -log softmax(logits)[label]; logits are [10, batch].
func crossEntropy(logits, labels *Node) *Node {
	z := Sub(logits, StopGradient(ReduceAndKeep(logits, ReduceMax, 0))) // so that exp cannot overflow
	logSum := Log(ReduceSum(Exp(z), 0))
	return ReduceAllMean(Sub(logSum, ReduceSum(Where(oneHot(z, labels), z, ZerosLike(z)), 0)))
}

// oneHot is true where a row of logits [10, batch] is that of the image's label.
func oneHot(logits, labels *Node) *Node {
	digits := Iota(logits.Graph(), shapes.Make(dtypes.Int32, logits.Shape().Dimensions...), 0)
	return Equal(digits, BroadcastToDims(InsertAxes(labels, 0), logits.Shape().Dimensions...))
}
