using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>
/// What a block's scan is steered by, differentiable. Returned by <see cref="MambaBlock.ForwardWithSignals"/>, and taken by it in the
/// place of what the block would compute; null entries are computed.
/// </summary>
/// <param name="dt_low">Steps before dt_proj, [B, L, R]</param>
/// <param name="delta">Steps after bias and softplus, [B, L, D]</param>
/// <param name="B">[B, L, N]; from outside also [B, L, G, N], or constant [D, N]</param>
/// <param name="C">as B</param>
/// <param name="z">Gate before its SiLU, [B, L, D]</param>
public sealed record MambaSignals(Tensor? dt_low = null, Tensor? delta = null, Tensor? B = null, Tensor? C = null, Tensor? z = null);
