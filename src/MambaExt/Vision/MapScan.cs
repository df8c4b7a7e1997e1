using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>A selective scan over a map in four directions, [B, h, w, d] to [B, h, w, d], without projection at its end.</summary>
/// <param name="name">Of the module</param>
/// <param name="options">Sizes</param>
public abstract class MapScan(string name, Scan2dOptions options) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>The sizes.</summary>
    public Scan2dOptions Options { get; } = options;

    /// <summary>Parameters in all.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>The weight of the projection to scan path and gate path, [2 d, d].</summary>
    protected abstract Tensor InProjection { get; }

    /// <summary>[B, h, w, d] to [B, h, w, d].</summary>
    public override Tensor forward(Tensor map)
    {
        using DisposeScope scope = NewDisposeScope();
        return ForwardWithSignals(map).Out.MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="forward"/>, with what steered the scan.</summary>
    public abstract (Tensor Out, Scan2dSignals Signals) ForwardWithSignals(Tensor map);

    /// <summary>Sets the gate half of the input projection to zero: then z = 0, SiLU(z) = 0, and the output is exactly zero, while gradients still
    /// reach that half (SiLU'(0) = 1/2).</summary>
    public void ZeroGate()
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        InProjection.narrow(0, Options.d_model, Options.d_model).zero_();
    }

    /// <summary>Throws a sentence unless <paramref name="map"/> is [B, h, w, d] of this scan's sizes and type.</summary>
    protected void Require(Tensor map)
    {
        long[] s = map.shape;
        if (s.Length != 4 || s[1] != Options.height || s[2] != Options.width || s[3] != Options.d_model || map.dtype != InProjection.dtype)
        {
            throw new ArgumentException(
                $"map is {map.dtype} [{string.Join(", ", s)}], expected {InProjection.dtype} [B, {Options.height}, {Options.width}, {Options.d_model}]; channels come last.");
        }
    }
}
