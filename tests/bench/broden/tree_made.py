"""A small tree written by hand, file by file: nothing of the writer under test makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

TABLES = {
    # material stands between object and scene, as published, and annotates the last image alone.
    "category.csv": [
        "name,first,last,count,frequency",
        "color,1,300,2,2",
        "object,2,2,1,2",
        "material,6,6,1,1",
        "scene,4,4,1,2",
        "texture,3,5,2,2",
    ],
    "label.csv": [
        "number,name,category,frequency,coverage,syns",
        "1,red-c,color,2,0.75,scarlet;crimson",
        "2,sky,object,2,0.875,",
        "3,grid,texture,2,2,",
        "4,street-s,scene,2,2,",
        "5,dots,texture,1,1,",
        "6,wood,material(3);object(1),1,1,",
        "300,blue-c,color,1,0.25,",
    ],
    "index.csv": [
        "image,split,ih,iw,sh,sw,color,object,material,scene,texture",
        "im0.jpg,train,8,8,4,4,im0_color.png,im0_object.png,,4,",
        "im1.jpg,val,8,8,4,4,im1_color.png,,,0,3;5",
        "im2.jpg,train,8,8,4,4,,im2_object.png,,4,3",
        "im3.jpg,train,8,8,4,4,,,6,,",
    ],
    "c_color.csv": [
        "code,number,name,frequency,coverage",
        "1,1,red-c,2,0.75",
        "2,300,blue-c,1,0.25",
    ],
    "c_object.csv": ["code,number,name,frequency,coverage", "1,2,sky,2,0.875", "2,6,wood,1,0.1"],
    "c_material.csv": ["code,number,name,frequency,coverage", "1,6,wood,1,1"],
    "c_scene.csv": ["code,number,name,frequency,coverage", "1,4,street-s,2,2"],
    "c_texture.csv": ["code,number,name,frequency,coverage", "1,3,grid,2,2", "2,5,dots,1,1"],
}  # fmt: skip
PLANES = {
    "im0_color": [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 300, 300], [0, 0, 300, 300]],
    "im0_object": [[2, 2, 2, 2], [2, 2, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0]],
    "im1_color": [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]],
    "im2_object": [[2, 0, 0, 0], [2, 0, 0, 0], [2, 2, 0, 0], [2, 2, 0, 0]],
}


def write_tree(root: Path) -> Path:
    """The three images that METHODS works out by hand, and one of material alone."""
    (root / "images").mkdir(parents=True)
    for name, lines in TABLES.items():
        (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for index in range(4):
        Image.new("RGB", (8, 8), (index, 0, 0)).save(root / "images" / f"im{index}.jpg")
    for name, plane in PLANES.items():
        pixels = [[(n % 256, n // 256, 77) for n in row] for row in plane]  # blue says nothing
        Image.fromarray(np.array(pixels, np.uint8)).save(root / "images" / f"{name}.png")
    return root
