"""An ERP that exists in tests only: a file of rows, a reader of it, and a wire reader."""
