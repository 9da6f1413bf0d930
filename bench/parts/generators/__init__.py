"""Generators: sources of images of concepts."""

from bench.parts.generators.diffusers import DiffusersGenerator
from bench.parts.generators.folder import FolderGenerator
