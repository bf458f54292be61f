"""What is propagated: colour, HDR radiance, masks. Frame -> (guide, edit) -> frame."""
