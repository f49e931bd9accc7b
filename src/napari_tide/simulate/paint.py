"""Stains: photons of the five channels from cells, outlines, territory and textures.

Everything is drawn once per pixel, from the quantities of the cell that owns it: the cost does not
grow with the number of cells. Flat tensors hold Q = N H W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_tide.simulate.outlines import N_DIRECTIONS, Outlines, direction_bin
from napari_tide.simulate.territory import Territory
from napari_tide.simulate.textures import TEXELS_PER_PX, TILE

BACKGROUND_PHOTONS = (4.0, 7.0, 8.0, 8.0, 6.0)
"""Stain in the medium and autofluorescence, by channel."""

RNA_FALL = 1.2
"""Steepness of cytoplasmic RNA from the nucleus to the edge."""

DOT_BRIGHTNESS = 1.7
"""Of mitochondrial dots, so that fragmentation leaves the total stain alone."""

BLEED_ER_FROM_RNA = 0.10
BLEED_AGP_FROM_RNA = 0.05


@dataclass(frozen=True, slots=True)
class _Place:
    """Where each pixel lies in its cell: lengths in pixels, shares between 0 and 1."""

    dx: Tensor
    dy: Tensor
    depth: Tensor  # 0 at the nucleus, 1 at the cell's edge
    rim: Tensor  # distance from the cell's border
    body: Tensor  # share of the pixel inside the cell
    nucleus: Tensor  # share inside a nucleus
    shell: Tensor  # signed distance from the nuclear outline, positive inside
    from_nucleus_x: Tensor
    from_nucleus_y: Tensor


class _Owned:
    """Each pixel's quantities: those of the cell that owns it, 0 where there is none."""

    def __init__(self, cells: Mapping[str, Tensor], owner_Q: Tensor) -> None:
        self._cells, self._owner_Q = cells, owner_Q

    def __call__(self, name: str, part: int | None = None) -> Tensor:
        value = self._cells[name] if part is None else self._cells[name][:, part]
        return torch.nn.functional.pad(value, (0, 1)).index_select(0, self._owner_Q)


def paint_sites(
    cells: Mapping[str, Tensor],
    outlines: Outlines,
    territory: Territory,
    *,
    bank: Mapping[str, Tensor],
    n_sites: int,
    image_px: int,
) -> Tensor:
    """Paint photons, N by 5 by H by W, before any optics."""
    own = _Owned(cells, territory.owner)
    place = _locate(own, outlines, territory, image_px=image_px)
    texel = _texels(own, place)
    textures = {name: tile.take(texel) for name, tile in bank.items()}
    nucleoli = _nucleoli(own, place)
    holes = 1.0 - 0.85 * _vacuoles(own, textures) * (1.0 - place.nucleus)
    lean = 1.0 + (own("lean_x") * place.dx + own("lean_y") * place.dy) / _length(place)
    dna = _dna(own, place, textures, nucleoli)
    rna = _rna(own, place, textures, nucleoli) * holes
    er = _er(own, place, textures) * lean * holes + BLEED_ER_FROM_RNA * rna
    agp = _agp(own, place, textures) * holes + BLEED_AGP_FROM_RNA * rna
    mito = _mito(own, place, textures) * lean * holes
    stains = torch.stack((dna, er, rna, agp, mito))
    background = stains.new_tensor(BACKGROUND_PHOTONS)[:, None]
    shape = (5, n_sites, image_px, image_px)
    return (stains.clamp_min_(0) + background).reshape(shape).transpose(0, 1).contiguous()


def _length(place: _Place) -> Tensor:
    return torch.sqrt(place.dx**2 + place.dy**2 + 16.0)


def _locate(own: _Owned, outlines: Outlines, territory: Territory, *, image_px: int) -> _Place:
    owner_Q = territory.owner
    like = territory.rival
    pixel = torch.arange(image_px, device=like.device, dtype=like.dtype)
    dx = (pixel.repeat(len(like) // image_px)) - own("x")
    rows = pixel.repeat_interleave(image_px).repeat(len(like) // image_px**2)
    dy = rows - own("y")
    core, span, nucleus_A = (
        torch.nn.functional.pad(table.reshape(-1), (0, N_DIRECTIONS), value=1.0)
        for table in (outlines.core, outlines.span, outlines.nucleus)
    )
    row_Q = owner_Q * N_DIRECTIONS
    entry = row_Q + direction_bin(dx, dy)
    span_Q = span.take(entry)
    nobody = owner_Q == outlines.core.shape[0]
    depth = ((torch.sqrt(dx * dx + dy * dy) - core.take(entry)) / span_Q).masked_fill_(nobody, 1.0)
    rim = ((territory.rival - depth) * span_Q).clamp_min_(0)
    gap_x, gap_y = own("gap_x"), own("gap_y")
    shells = []
    for side in (1.0, -1.0):
        nx, ny = dx - side * gap_x, dy - side * gap_y
        radius = nucleus_A.take(row_Q + direction_bin(nx, ny))
        shells.append(radius - torch.sqrt(nx * nx + ny * ny))
    to_edge = ((1.0 - depth) * span_Q).clamp_min_(0)
    body = (1.0 - torch.exp(-0.6 * to_edge)) * (1.0 - 0.3 * torch.exp(-0.8 * rim))
    nearer = torch.where(shells[0] >= shells[1], 1.0, -1.0).to(like.dtype)
    shell = torch.maximum(*shells).masked_fill_(nobody, -99.0)
    return _Place(
        dx=dx,
        dy=dy,
        depth=depth.clamp_(0, 1),
        rim=rim,
        body=body,
        nucleus=(0.5 + 0.8 * shell).clamp(0, 1),
        shell=shell,
        from_nucleus_x=dx - nearer * gap_x,
        from_nucleus_y=dy - nearer * gap_y,
    )


def _texels(own: _Owned, place: _Place) -> Tensor:
    """Find each pixel's texel: the cell's axis runs along the tile's rows."""
    c, s = own("cos_axis"), own("sin_axis")
    u = own("texture_u") + place.dx * c + place.dy * s
    v = own("texture_v") + place.dy * c - place.dx * s
    u, v = (torch.floor(t * TEXELS_PER_PX).long() & (TILE - 1) for t in (u, v))
    return v * TILE + u


def _nucleoli(own: _Owned, place: _Place) -> Tensor:
    total = torch.zeros_like(place.dx)
    for spot in range(4):
        dx = place.from_nucleus_x - own("nucleolus_x", spot)
        dy = place.from_nucleus_y - own("nucleolus_y", spot)
        squared = (dx * dx + dy * dy) * own("nucleolus_sharpness", spot)
        total += own("nucleolus_present", spot) * torch.exp(-squared * squared)
    return total.clamp_(0, 1) * place.nucleus


def _vacuoles(own: _Owned, textures: Mapping[str, Tensor]) -> Tensor:
    return (12.0 * (textures["vacuoles"] - 1.0 + own("vacuoles"))).clamp(0, 1)


def _dna(own: _Owned, place: _Place, textures: Mapping[str, Tensor], nucleoli: Tensor) -> Tensor:
    dome = 1.0 - 0.30 * torch.exp(-place.shell.clamp_min(0) / 2.5)
    chromatin = (1.0 + own("chromatin") * textures["chromatin"]).clamp_min(0.15)
    return own("dna") * place.nucleus * dome * chromatin * (1.0 - 0.35 * nucleoli)


def _rna(own: _Owned, place: _Place, textures: Mapping[str, Tensor], nucleoli: Tensor) -> Tensor:
    grain = 1.0 + 0.10 * textures["grain"] + 0.12 * textures["clouds"]
    cytoplasm = own("rna") * place.body * torch.exp(-RNA_FALL * place.depth) * grain
    return cytoplasm * (1.0 - 0.45 * place.nucleus) + own("nucleoli") * nucleoli


def _er(own: _Owned, place: _Place, textures: Mapping[str, Tensor]) -> Tensor:
    fall = torch.exp(-own("er_fall") * place.depth)
    mesh = (1.0 + own("er_texture") * textures["meshwork"]).clamp_min(0.05)
    envelope = 0.30 * torch.exp(-((place.shell / 1.5) ** 2))
    level = fall * (1.0 - 0.55 * place.nucleus) + envelope
    return own("er") * place.body * level * mesh


def _agp(own: _Owned, place: _Place, textures: Mapping[str, Tensor]) -> Tensor:
    line = torch.exp(-place.rim / 1.3) * (1.0 - torch.exp(-3.0 * place.rim))
    arcs = torch.exp(-(((place.rim - 4.5) / 1.6) ** 2)) * textures["clouds"].clamp_min(0)
    uneven = (1.0 + 0.45 * textures["clouds"]).clamp_min(0.15)
    sheet = 30.0 * place.body * (0.55 + 0.45 * torch.exp(-1.5 * place.depth))
    bundles = textures["fibres"] * (1.0 - 0.5 * place.nucleus) + 0.25 * arcs
    fibres = own("fibres") * place.body * bundles
    gx = place.dx - own("golgi_x")
    gy = place.dy - own("golgi_y")
    ribbon = (0.75 + 0.45 * textures["grain"]).clamp_min(0.1)
    golgi = own("golgi") * torch.exp(-(gx * gx + gy * gy) / 22.0) * ribbon
    golgi = golgi * place.body * (1.0 - 0.7 * place.nucleus)
    membrane = sheet * (1.0 + 0.12 * textures["grain"])
    return membrane + 1.8 * own("edge") * line * uneven + fibres + golgi


def _mito(own: _Owned, place: _Place, textures: Mapping[str, Tensor]) -> Tensor:
    dots = own("dots")
    network = (1.0 - dots) * textures["filaments"] + dots * DOT_BRIGHTNESS * textures["dots"]
    fall = torch.exp(-own("mito_fall") * place.depth)
    return own("mito") * place.body * fall * (0.16 + network) * (1.0 - 0.85 * place.nucleus)
