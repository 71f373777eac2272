package mnistlib

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"example.com/tutorial6/mnistlib/internal/device"
)

// A Model describes a network; it holds no weights. Forward takes a batch of images
// [1, 28, 28], with pixels from 0 to 1, and returns the logits [10], one for each digit.
//
// Forward runs several times, to list the layers and to build programs of them, and must give the same layers
// each time: it may read the model's fields but change nothing.
type Model interface {
	Forward(nn *Layers, x *Tensor) *Tensor
}

// describe runs Forward without building a program.
func describe(model Model) (*Layers, error) {
	nn := &Layers{}
	_, err := runForward(model, nn, &Tensor{shape: imageShape})
	return nn, err
}

// runForward calls the model's Forward and turns a panic inside it into an error of one sentence.
func runForward(model Model, nn *Layers, x *Tensor) (logits *Tensor, err error) {
	if model == nil {
		return nil, errors.New("the model is nil; give a value such as MLP{Hidden: 30}")
	}
	name := typeName(model)
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case modelError:
			err = fmt.Errorf("the model %s: %w", name, cause)
		default:
			err = fmt.Errorf("the model %s: its Forward method failed: %v", name, device.FirstLine(cause))
		}
	}()
	logits = model.Forward(nn, x)
	if logits == nil {
		return nil, fmt.Errorf("the model %s: Forward returned nil instead of its logits", name)
	}
	if !slices.Equal(logits.shape, []int{numClasses}) {
		return nil, fmt.Errorf("the model %s: Forward must return one logit for each of the 10 digits, the shape [10], but returned %v", name, logits.shape)
	}
	return logits, nil
}

// modelName is what a model prints as, or its type and fields.
func modelName(model Model) string {
	if s, ok := model.(fmt.Stringer); ok {
		return s.String()
	}
	return typeName(model)
}

// typeName is the model's type and the values of its fields: "MLP(30)". It calls no method of the model, as a
// String method may well call Describe.
func typeName(model Model) string {
	v := reflect.Indirect(reflect.ValueOf(model))
	if v.Kind() != reflect.Struct {
		return reflect.TypeOf(model).Name()
	}
	var fields []string
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Bool:
			if f.Bool() {
				fields = append(fields, v.Type().Field(i).Name)
			}
		default:
			fields = append(fields, fmt.Sprint(f))
		}
	}
	if len(fields) == 0 {
		return v.Type().Name()
	}
	return v.Type().Name() + "(" + strings.Join(fields, ", ") + ")"
}
