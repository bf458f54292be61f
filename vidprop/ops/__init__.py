"""Operations on tensors that PyTorch lacks; each folder holds one contract and its backends."""
