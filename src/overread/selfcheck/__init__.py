"""The statistics held against values that other software computed from the same small cohort."""
