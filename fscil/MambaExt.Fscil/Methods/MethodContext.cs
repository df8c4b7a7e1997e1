using MambaExt.Training;

namespace MambaExt.Fscil.Methods;

/// <summary>What a method is given while it learns.</summary>
/// <param name="Seed">Of weights, orders and mixing</param>
/// <param name="Report">Told of each epoch of a training; null where nobody asks</param>
/// <param name="Token">Asked after each step</param>
public sealed record MethodContext(int Seed, Action<EpochReport>? Report = null, CancellationToken Token = default);
