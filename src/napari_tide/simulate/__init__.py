"""The causal simulator: mechanism, RNA, morphology, images."""
