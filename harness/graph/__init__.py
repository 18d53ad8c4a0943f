"""ONNX graphs: exporting, simplifying, inspecting and comparing what they compute. Only ``export`` knows torch."""
