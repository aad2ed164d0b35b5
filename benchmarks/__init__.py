"""Speed and size of Quanticity, each as a ratio to a bare reference measured in the same run: `make bench`."""
