"""The parts of the dossier, a file each: view to blocks."""
