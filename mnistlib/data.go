package mnistlib

// What an MNIST image is: 28 × 28 grey pixels that show one of ten digits.
const (
	ImageSize  = 28                    // height and width of an image, in pixels
	NumPixels  = ImageSize * ImageSize // pixels in an image: 784
	NumClasses = 10                    // the digits 0 to 9
)

// Images is a set of labelled images.
type Images struct {
	Pixels []byte // NumPixels bytes an image, row by row from the top; 0 is background, 255 full ink
	Labels []byte // the digit that each image shows, 0 to 9
}

// Len returns the number of images.
func (im Images) Len() int { return len(im.Labels) }

// Data is what a model is trained on and what it is judged by.
type Data struct {
	Train, Validation Images
}
