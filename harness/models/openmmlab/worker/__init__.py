"""What runs in the interpreter of an OpenMMLab environment: plain files that import nothing of this project."""
