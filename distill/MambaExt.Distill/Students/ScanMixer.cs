using MambaExt.Blocks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distill.Students;

/// <summary>
/// Mixes the patches of an image by one, two or four Mamba blocks, each with its own weights and its own way through the patches; the
/// result is their sum. A way is data: reverse is the scan's own, columns are an index over the tokens and its inverse.
/// </summary>
internal sealed class ScanMixer : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<MambaBlock> directions;
    private readonly int _rows, _columns;

    public ScanMixer(PatchMambaOptions options)
        : base(nameof(ScanMixer))
    {
        (_rows, _columns) = (options.height / options.patch, options.width / options.patch);
        directions = new ModuleList<MambaBlock>([.. Enumerable.Range(0, ScanKind.Directions(options.scan)).Select(_ => new MambaBlock(options.Block))]);
        RegisterComponents();
    }

    /// <summary>[B, L, D] to [B, L, D].</summary>
    public override Tensor forward(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = directions[0].call(hidden);
        if (directions.Count > 1)
        {
            sum += directions[1].Forward(hidden, reverse: true);
        }

        if (directions.Count > 2)
        {
            Tensor columns = Turn(hidden, _rows, _columns);
            sum += Turn(directions[2].call(columns) + directions[3].Forward(columns, reverse: true), _columns, _rows);
        }

        return sum.MoveToOuterDisposeScope();
    }

    /// <summary>Tokens of a picture of so many rows, row by row, as they are read column by column.</summary>
    private static Tensor Turn(Tensor tokens, int rows, int columns)
    {
        long[] shape = tokens.shape;
        return tokens.view(shape[0], rows, columns, shape[2]).transpose(1, 2).reshape(shape[0], shape[1], shape[2]);
    }
}
