"""A model's answers on one radiograph as DICOM, so that they can be seen beside it in an archive."""
