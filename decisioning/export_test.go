package decisioning

// The codec, as the client uses it.
var (
	Decode        = decodeLenient
	Encode        = encode
	EncodeRequest = encodeRequest
)
