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
	steps      []*step // of each weight, beside network.specs: nil for what is not trained
	batchSize  int
	iterations int // in an epoch
	numTrain   int
	evaluation evaluation // which images are evaluated, and how
	inLoop     bool       // they are evaluated after every iteration
	loops      bool       // one execution does many iterations; the pure-Go backend's While cannot hold a training step
	moved      bool       // their products with the weights are moved along: see products.go
}

// key is equal for equal programs.
func (p *trainingProgram) key() string {
	key := fmt.Sprint(p.network.dtype, p.network.layers, p.batchSize, p.iterations, p.numTrain, p.evaluation, p.inLoop, p.loops, p.moved)
	for _, s := range p.network.specs {
		key += fmt.Sprint(s)
	}
	for _, s := range p.steps {
		if s != nil {
			key += fmt.Sprint(s.operations)
		}
	}
	return key
}

// build builds the program. Its inputs are, in this order:
//
//   - the first iteration of the epoch to do, and the one after the last (int32, counted from 0);
//   - zeros, to be filled with the iterations' losses [iterations], with how many training and validation
//     images are right after each (int32 [iterations]), and with which are right after the last (bool [images]);
//   - the weights; the slots of the optimizer for each; those for each moved product;
//   - all training images (uint8 [images, 784]) and their labels (int32 [images]);
//   - their order in this epoch (int32 [iterations, batch]), and the optimizer's numbers at each iteration [iterations, numbers];
//   - the images to evaluate and their labels, chunk by chunk; the Gram matrix, if the products are moved.
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
		products = multiplyImages(p.chunk(constants, 0), net.imageWeights(net.layersWith(weights, false)))
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
	inputs := func(g *Graph) []*Node {
		list := make([]*Node, len(state))
		for i, node := range state {
			list[i] = Parameter(g, fmt.Sprintf("state %d", i), node.Shape())
		}
		return list
	}
	more := func(s []*Node) []*Node { return []*Node{LogicalAnd(s[1], LessThan(s[0], s[2]))} }
	iterate := func(s []*Node) []*Node {
		i, last := s[0], s[2]
		records, weights, slots, products, constants := parts(s)
		weights, slots, products, loss := p.step(i, weights, slots, products, constants)
		written := slices.Clone(records)
		write := func(k int, value *Node) {
			written[k] = Where(Equal(Iota(i.Graph(), shapes.Make(dtypes.Int32, p.iterations), 0), i), value, records[k])
		}
		write(0, loss)
		if p.inLoop {
			train, validation, right := p.evaluate(weights, products, constants)
			write(1, train)
			write(2, validation)
			written[3] = right
		}
		return concat([]*Node{AddScalar(i, 1), IsFinite(loss), last}, written, weights, slots, products, constants)
	}
	var done []*Node
	if p.loops {
		closure := func(f func([]*Node) []*Node) *Function {
			return NewClosure(g, func(g *Graph) []*Node { return f(inputs(g)) })
		}
		done = While(closure(more), closure(iterate), state...)
	} else {
		done = iterate(state)
	}
	records, weights, slots, _, _ = parts(done)
	return concat(done[:1], records, weights, slots)
}

// step is one step of training, iteration i of the epoch: from the weights and what the optimizer remembers to
// those after it, and the mean loss of the batch before it.
func (p *trainingProgram) step(i *Node, weights, slots, products, constants []*Node) (newWeights, newSlots, newProducts []*Node, loss *Node) {
	net := p.network
	pixels, labels, order, numbers := constants[0], constants[1], constants[2], constants[3]
	// Gather, as the pure-Go backend has no DynamicSlice.
	batch := InsertAxes(Gather(order, Reshape(i, 1)), -1)
	numbers = Gather(numbers, Reshape(i, 1))

	images := Transpose(DivScalar(ConvertDType(Gather(pixels, batch), net.dtype), 255), 0, 1)
	nn := net.layersWith(weights, true)
	x := &Tensor{shape: imageShape, node: Reshape(images, 1, ImageSize, ImageSize, p.batchSize), products: map[string]*Node{}}
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
	numbersOf := map[int]*Node{} // by the place of the weight
	from := 0
	for k, spec := range net.specs {
		if !spec.kind.trainable() {
			newWeights = append(newWeights, nn.updates[spec.name])
			continue
		}
		n := len(p.steps[k].numbers)
		if n > 0 {
			numbersOf[k] = Slice(numbers, AxisRange(from, from+n))
		}
		from += n
		w, s := buildStep(p.optimizer, weights[k], take(&gradients, 1)[0], take(&slots, len(p.steps[k].slots)), numbersOf[k])
		newWeights = append(newWeights, w)
		newSlots = append(newSlots, s...)
	}
	if p.moved {
		gram := Gather(constants[len(constants)-1], batch)
		for j, k := range net.imageSpecs() {
			dy := gradients[j] // what is left of the gradients are those by the batch's products
			product, s := buildStep(p.optimizer, products[j], Dot(dy, gram).Product(), take(&slots, len(p.steps[k].slots)), numbersOf[k])
			newProducts = append(newProducts, product)
			movedSlots = append(movedSlots, s...)
		}
	}
	return newWeights, concat(newSlots, movedSlots), newProducts, loss
}

// evaluate tells which images the weights get right (bool [images]), and counts the training and the validation
// images among them.
func (p *trainingProgram) evaluate(weights, products, constants []*Node) (train, validation, all *Node) {
	var right []*Node
	for c := range p.evaluation.numChunks {
		images, labels := p.chunk(constants, c), p.chunkLabels(constants, c)
		right = append(right, isCorrect(p.network.evaluationLogits(weights, images, products), labels))
	}
	all = right[0]
	if len(right) > 1 {
		all = Concatenate(right, 0)
	}
	all = Slice(all, AxisRange(0, p.evaluation.numImages))
	count := func(from, to int) *Node {
		return ReduceAllSum(ConvertDType(Slice(all, AxisRange(from, to)), dtypes.Int32))
	}
	return count(0, p.numTrain), count(p.numTrain, p.evaluation.numImages), all
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
	add := func(k int, dimensions ...int) {
		for range p.steps[k].slots {
			list = append(list, shapes.Make(p.network.dtype, dimensions...))
		}
	}
	for k, spec := range p.network.specs {
		if spec.kind.trainable() {
			add(k, spec.shape...)
		}
	}
	if p.moved {
		for _, k := range p.network.imageSpecs() {
			add(k, p.network.specs[k].shape[0], p.evaluation.chunkSize)
		}
	}
	return list
}

// constantParameters are what all iterations read.
func (p *trainingProgram) constantParameters(g *Graph) []*Node {
	constants := []*Node{
		Parameter(g, "pixels", shapes.Make(dtypes.Uint8, p.numTrain, NumPixels)),
		Parameter(g, "labels", shapes.Make(dtypes.Int32, p.numTrain)),
		Parameter(g, "order", shapes.Make(dtypes.Int32, p.iterations, p.batchSize)),
		Parameter(g, "numbers", shapes.Make(p.network.dtype, p.iterations, p.numNumbers())),
	}
	if p.inLoop {
		for range p.evaluation.numChunks {
			constants = append(constants, p.evaluation.parameters(g, len(constants))...)
		}
	}
	if p.moved {
		constants = append(constants, Parameter(g, "gram", shapes.Make(p.network.dtype, p.numTrain, p.evaluation.chunkSize)))
	}
	return constants
}

func (p *trainingProgram) chunk(constants []*Node, c int) *Node       { return constants[4+2*c] }
func (p *trainingProgram) chunkLabels(constants []*Node, c int) *Node { return constants[5+2*c] }

// worthMoving tells whether the products can be moved (see products.go), and whether that takes less than half the
// multiplications of computing them anew. The answer is the same for one run and for many, so that a run's
// numbers do not depend on how many run beside it.
func (p *trainingProgram) worthMoving() bool {
	places := p.network.imageSpecs()
	if len(places) == 0 || !p.inLoop || p.evaluation.convolved || p.evaluation.numChunks > 1 {
		return false
	}
	for _, k := range places {
		if !p.steps[k].isLinear() {
			return false
		}
	}
	return 2*p.batchSize < NumPixels
}

// numNumbers is how many numbers the optimizer takes in one iteration, at least 1: no input is empty.
func (p *trainingProgram) numNumbers() int {
	n := 0
	for _, s := range p.steps {
		if s != nil {
			n += len(s.numbers)
		}
	}
	return max(1, n)
}

func concat(lists ...[]*Node) []*Node { return slices.Concat(lists...) }

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
