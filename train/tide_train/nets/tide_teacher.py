"""TIDE's teacher: image, perturbed transcriptome, cell type and doses become one embedding.

It never sees a molecule's structure: the codebook is applied to what it gives, outside.

Shapes: B samples, G landmark genes, D encoder width, E width of the scFM's embedding.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from tide_train.nets.dose_encoding import DoseFilm
from tide_train.nets.global_batch_norm import GlobalBatchNorm


class TeacherConfig(BaseModel):
    """What the teacher sees, and how often it does not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sees_image: bool = Field(
        default=True,
        title="Teacher sees the image",
        description="Give the teacher the paired image",
    )
    sees_dose: bool = Field(
        default=True,
        title="Teacher sees doses",
        description="Modulate image and RNA by their doses",
    )
    image_dropout: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Teacher's hidden images",
        description="Share of samples whose image it does not see",
    )
    rna_dropout: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Teacher's hidden genes",
        description="Share of genes hidden in each profile",
    )
    tau: float = Field(
        default=0.1,
        gt=0,
        title="Teacher's temperature",
        description="Temperature of its softmax over drugs",
    )
    dropout: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        title="Teacher's dropout",
        description="Share of its hidden units switched off while training",
    )
    dose_width: int = Field(
        default=64,
        ge=1,
        title="Dose width",
        description="Width of the transcriptome's dose beside its expression",
    )


class TideTeacher(nn.Module):
    """Fuses privileged views of one treatment."""

    def __init__(
        self,
        config: TeacherConfig,
        *,
        width: int,
        n_genes: int,
        cell_width: int,
        rna_dose_width: int = 1,
    ) -> None:
        super().__init__()
        self.config = config
        self.film = DoseFilm(width)
        self.rna_mlp = nn.Sequential(nn.Linear(n_genes, width), nn.ReLU(), nn.Linear(width, width))
        self.rna_dose = nn.Linear(rna_dose_width, config.dose_width)
        self.rna_projection = nn.Linear(width + config.dose_width, width)
        self.cell_projection = nn.Linear(cell_width, width)
        self.fusion = nn.Sequential(
            nn.Linear(3 * width, 2 * width),
            GlobalBatchNorm(2 * width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * width, width),
            GlobalBatchNorm(width),
        )

    def forward(
        self,
        image_BD: torch.Tensor,
        rna_BG: torch.Tensor,
        cell_BE: torch.Tensor,
        *,
        image_doses_B: torch.Tensor,
        rna_doses_BE: torch.Tensor,
    ) -> torch.Tensor:
        """Give one embedding per sample, of length one.

        Parameters
        ----------
        image_BD
            The shared encoder's embedding of the paired image.
        rna_BG
            Perturbed expression over the landmark genes.
        cell_BE
            The scFM's embedding of the line's untreated expression.
        image_doses_B
            In [0, 1].
        rna_doses_BE
            As the scFM's dose layer encodes them, or one column in [0, 1]; scaled apart from the
            image's.
        """
        views = [
            self.image_view(image_BD, image_doses_B),
            self._rna(rna_BG, rna_doses_BE),
            self.cell_projection(cell_BE),
        ]
        return functional.normalize(self.fusion(torch.cat(views, dim=1)), dim=1)

    def logits(self, embeddings_BD: torch.Tensor, prototypes_KD: torch.Tensor) -> torch.Tensor:
        """Give cosines with the codebook over the teacher's temperature."""
        return embeddings_BD @ prototypes_KD.T / self.config.tau

    def image_view(self, image_BD: torch.Tensor, doses_B: torch.Tensor) -> torch.Tensor:
        """Give what it makes of an image and its dose; zero where it sees none."""
        if not self.config.sees_image:
            return torch.zeros_like(image_BD)
        seen_BD = self.film(image_BD, doses_B) if self.config.sees_dose else image_BD
        if self.training and self.config.image_dropout:
            is_kept = (
                torch.rand(len(seen_BD), 1, device=seen_BD.device) >= self.config.image_dropout
            )
            seen_BD = seen_BD * is_kept
        return seen_BD

    def dose_view(self, doses_BE: torch.Tensor) -> torch.Tensor:
        """Give what it makes of an RNA dose."""
        given_BE = doses_BE if self.config.sees_dose else torch.zeros_like(doses_BE)
        seen: torch.Tensor = self.rna_dose(given_BE)
        return seen

    def _rna(self, rna_BG: torch.Tensor, doses_BE: torch.Tensor) -> torch.Tensor:
        shown_BG = functional.dropout(rna_BG, self.config.rna_dropout, self.training)
        joined = torch.cat([self.rna_mlp(shown_BG), self.dose_view(doses_BE)], dim=1)
        projected: torch.Tensor = self.rna_projection(joined)
        return projected
