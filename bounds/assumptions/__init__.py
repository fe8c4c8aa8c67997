"""What bounds rest on: one file per assumption, with what it says and what in the data refutes it."""
