package mnistlib_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"example.com/tutorial6/mnistlib"
)

func ExampleTrain() {
	history, err := mnistlib.Train(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), mnistlib.Config{
		Optimizer: mnistlib.Adam{LR: 0.005}, Epochs: 3, Seed: 1, Quiet: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	accuracy := history.ValidationAccuracy[len(history.ValidationAccuracy)-1]
	fmt.Println(history.Name)
	fmt.Printf("%d iterations, validation accuracy above 0.85: %t\n", len(history.Loss), accuracy > 0.85)
	// Output:
	// MLP(30), Adam(lr=0.005), 3 epochs
	// 93 iterations, validation accuracy above 0.85: true
}

// twoHidden is a network of two hidden layers.
type twoHidden struct{ First, Second int }

func (m twoHidden) Forward(nn *mnistlib.Layers, x *mnistlib.Tensor) *mnistlib.Tensor {
	x = nn.ReLU(nn.Linear("layer1", nn.Flatten(x), m.First))
	x = nn.ReLU(nn.Linear("layer2", x, m.Second))
	return nn.Linear("layer3", x, 10)
}

func ExampleModel() {
	summary, err := mnistlib.Describe(twoHidden{First: 32, Second: 16})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(summary)
	// Output:
	// twoHidden(32, 16): 25,818 parameters
	//   Flatten             784
	//   Linear     layer1   32              25,120
	//   ReLU                32
	//   Linear     layer2   16                 528
	//   ReLU                16
	//   Linear     layer3   10                 170
}

// nesterov is Nesterov's accelerated gradient as torch.optim.SGD(nesterov=True) defines it: the weight
// moves by the gradient and by the velocity that follows from it.
type nesterov struct{ LR, Momentum float64 }

func (o nesterov) Step(w, g *mnistlib.Array, s *mnistlib.State) *mnistlib.Array {
	v := s.Get("v").Scale(o.Momentum).Add(g)
	s.Set("v", v)
	return w.Sub(g.Add(v.Scale(o.Momentum)).Scale(o.LR))
}

func ExampleOptimizer() {
	history, err := mnistlib.Train(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), mnistlib.Config{
		Optimizer: nesterov{LR: 0.05, Momentum: 0.9}, Epochs: 1, Seed: 1, Quiet: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(history.Optimizer)
	fmt.Println("the loss falls:", history.Loss[30] < history.Loss[0]/2)
	// Output:
	// nesterov(LR=0.05, Momentum=0.9)
	// the loss falls: true
}

func ExampleTrainAll() {
	var configs []mnistlib.Config
	for _, rate := range []float64{0.01, 0.1} {
		for seed := range uint64(2) {
			configs = append(configs, mnistlib.Config{Optimizer: mnistlib.SGD{LR: rate}, Epochs: 1, Seed: 1 + seed, Quiet: true})
		}
	}
	histories, err := mnistlib.TrainAll(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), configs)
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range histories {
		fmt.Printf("%s, seed %d: above one half: %t\n", h.Optimizer, h.Seed, h.TrainAccuracy[len(h.TrainAccuracy)-1] > 0.5)
	}
	// Output:
	// SGD(lr=0.01, momentum=0), seed 1: above one half: false
	// SGD(lr=0.01, momentum=0), seed 2: above one half: false
	// SGD(lr=0.1, momentum=0), seed 1: above one half: true
	// SGD(lr=0.1, momentum=0), seed 2: above one half: true
}

func ExampleWeights_Save() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "mlp.safetensors")

	weights, err := mnistlib.InitialWeights(mnistlib.MLP{Hidden: 30}, 7)
	if err != nil {
		log.Fatal(err)
	}
	if err := weights.Save(path); err != nil { // PyTorch's names and layouts
		log.Fatal(err)
	}
	loaded, err := mnistlib.LoadWeights(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range loaded {
		fmt.Println(w.Name, w.Shape)
	}
	fmt.Printf("%.6f\n", loaded[0].Values[0]) // that of nn.Linear(784, 30) after torch.manual_seed(7)
	// Output:
	// layer1.weight [30 784]
	// layer1.bias [30]
	// layer2.weight [10 30]
	// layer2.bias [10]
	// 0.002494
}

func ExampleCompare() {
	train := func(o mnistlib.Optimizer) []*mnistlib.History {
		runs, err := mnistlib.TrainMany(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), mnistlib.Config{Optimizer: o, Epochs: 1, Seed: 1, Quiet: true}, 4)
		if err != nil {
			log.Fatal(err)
		}
		return runs
	}
	comparison, err := mnistlib.Compare(train(mnistlib.SGD{LR: 0.1}), train(mnistlib.SGD{LR: 0.01})) // seed by seed
	if err != nil {
		log.Fatal(err)
	}
	d := comparison.Validation
	fmt.Printf("higher with %d of %d seeds; by more than luck: %t\n", d.Higher, comparison.Seeds, d.Low > 0)
	// Output:
	// higher with 4 of 4 seeds; by more than luck: true
}

func ExampleConfig_snapshots() {
	config := mnistlib.Config{Epochs: 1, Seed: 1, SnapshotEvery: 10, Quiet: true}
	history, err := mnistlib.Train(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), config)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range history.Snapshots {
		accuracy, err := mnistlib.Accuracy(mnistlib.MLP{Hidden: 30}, s.Weights, mnistlib.MNIST().Validation)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("after iteration %2d above 0.2: %t\n", s.Iteration, accuracy > 0.2)
	}
	// Output:
	// after iteration  0 above 0.2: false
	// after iteration 10 above 0.2: true
	// after iteration 20 above 0.2: true
	// after iteration 30 above 0.2: true
	// after iteration 31 above 0.2: true
}

// trainWithSnapshots is a run of one epoch that keeps its weights before the first iteration and after every one.
func trainWithSnapshots(o mnistlib.Optimizer) *mnistlib.History {
	config := mnistlib.Config{Optimizer: o, Epochs: 1, Seed: 1, SnapshotEvery: 1, Quiet: true}
	history, err := mnistlib.Train(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST(), config)
	if err != nil {
		log.Fatal(err)
	}
	return history
}

func ExampleUpdateRatios() {
	figure := mnistlib.UpdateRatios(trainWithSnapshots(mnistlib.SGD{LR: 0.1}))
	fmt.Println(figure.Title) // in a notebook, figure.Show() draws it
	// Output:
	// How far an iteration moves the weights: MLP(30), SGD(lr=0.1, momentum=0), 1 epoch, seed 1
}

func ExampleDeadReLUs() {
	history := trainWithSnapshots(mnistlib.SGD{LR: 2})
	figure := mnistlib.DeadReLUs(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST().Validation, history)
	fmt.Println(figure.Title)
	// Output:
	// Dead ReLUs: MLP(30), SGD(lr=2, momentum=0), 1 epoch, seed 1
}

func ExampleLossSurface() {
	runs := []*mnistlib.History{trainWithSnapshots(mnistlib.SGD{LR: 0.1}), trainWithSnapshots(mnistlib.Adam{LR: 0.005})}
	figure := mnistlib.LossSurface(mnistlib.MLP{Hidden: 30}, mnistlib.MNIST().Train.Slice(0, 100), runs...)
	fmt.Println(figure.Title)
	// Output:
	// A slice of the loss of MLP(30), with the paths of 2 runs
}
