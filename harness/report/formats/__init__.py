"""The formats of a report, one module each: a pure function from a document to text. Each escapes what it is given."""
