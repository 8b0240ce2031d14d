"""From radiographs to a reading: images, networks, training, scoring, heat maps. Needs the extra `vision`."""
