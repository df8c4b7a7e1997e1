using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>What a scan over a map is steered by, differentiable, for losses and observers. K directions, each in its own order of steps.</summary>
/// <param name="dt_low">Steps before dt_proj, [B, K, L, R]</param>
/// <param name="B">[B, K, L, N]</param>
/// <param name="C">[B, K, L, N]</param>
/// <param name="z">Gate before its SiLU, cells in row-major order, [B, L, d]</param>
public sealed record Scan2dSignals(Tensor dt_low, Tensor B, Tensor C, Tensor z);
