"""The parts that a run is put together from: networks, images, labels, encoders, judges, truths."""
