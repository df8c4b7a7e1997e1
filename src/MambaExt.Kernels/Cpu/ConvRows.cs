using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Number of taps as a type, so that the JIT makes one body for each.</summary>
internal interface ITaps
{
    static abstract int Width { get; }
}

internal readonly struct Taps2 : ITaps
{
    public static int Width => 2;
}

internal readonly struct Taps3 : ITaps
{
    public static int Width => 3;
}

internal readonly struct Taps4 : ITaps
{
    public static int Width => 4;
}

/// <summary>Rows under the taps of one output position, oldest first; those beyond the width are unused.</summary>
internal unsafe struct TapRows<T>
    where T : unmanaged
{
    public T* Row0, Row1, Row2, Row3;

    public readonly T* this[int k] => k switch { 0 => Row0, 1 => Row1, 2 => Row2, _ => Row3 };
}

/// <summary>
/// Where each tap of a causal convolution reads. Steps s = 0 ... L-1 count in processing order (position s, or L-1-s in reverse);
/// s = -1 ... -(W-1) are the initial states. What is absent is a row of zeros.
/// </summary>
internal readonly unsafe struct ConvRows<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CausalConv1dShape _shape;
    private readonly CausalConv1dInputs<T> _inputs;
    private readonly T* _zeroRow;

    /// <summary>Taps transposed to [W, D].</summary>
    public readonly T* Taps;

    /// <summary>[D], zeros where the convolution has none.</summary>
    public readonly T* Bias;

    public ConvRows(in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, Workspace workspace)
    {
        _shape = shape;
        _inputs = inputs;
        _zeroRow = workspace.Allocate<T>(shape.Channels, zeroed: true);
        Bias = inputs.Bias == null ? _zeroRow : inputs.Bias;
        Taps = workspace.Allocate<T>(shape.Channels * shape.Width);
        for (long d = 0; d < shape.Channels; d++)
        {
            for (int k = 0; k < shape.Width; k++)
            {
                Taps[(k * shape.Channels) + d] = inputs.Weight[(d * shape.Width) + k];
            }
        }
    }

    /// <summary>[D] of zeros.</summary>
    public T* ZeroRow => _zeroRow;

    /// <summary>Elements from the input row of a step to that of the next.</summary>
    public long Stride => _shape.Reverse ? -_inputs.XRowStride : _inputs.XRowStride;

    /// <summary>Row of a tensor [B, L, ...] in which step <paramref name="s"/> of batch entry <paramref name="b"/> lies.</summary>
    public long Position(long b, long s) => (b * _shape.Length) + (_shape.Reverse ? _shape.Length - 1 - s : s);

    /// <summary>Steps, at most W-1, that the taps of step <paramref name="s"/> may reach back within its sequence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Reach(long b, long s) => _inputs.SeqIdx == null ? _shape.Width - 1 : PackedReach(b, s);

    /// <summary>The input row of step <paramref name="s"/> from channel <paramref name="d"/> on.</summary>
    public T* Row(long b, long s, long d)
    {
        if (s >= 0)
        {
            return _inputs.X + (Position(b, s) * _inputs.XRowStride) + d;
        }

        int states = _shape.Width - 1;
        return _inputs.InitialStates == null ? _zeroRow + d : _inputs.InitialStates + (((b * states) + s + states) * _shape.Channels) + d;
    }

    /// <summary>Whether the steps [<paramref name="s"/>, <paramref name="end"/>) lie before <paramref name="limit"/> and all their
    /// taps reach inputs of their own sequence, so that rows follow each other at <see cref="Stride"/>.</summary>
    public bool IsPlain(long b, long s, long end, long limit)
    {
        bool plain = end <= limit && s >= _shape.Width - 1;
        for (long at = s; plain && _inputs.SeqIdx != null && at < end; at++)
        {
            plain = PackedReach(b, at) == _shape.Width - 1;
        }

        return plain;
    }

    /// <summary>Whether no sequence begins after step <paramref name="s"/> and before <paramref name="end"/>.</summary>
    public bool IsOneSequence(long b, long s, long end)
    {
        for (long at = s + 1; _inputs.SeqIdx != null && at < end; at++)
        {
            if (_inputs.SeqIdx[Position(b, at)] != _inputs.SeqIdx[Position(b, at - 1)])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The rows under the taps of step <paramref name="s"/> from channel <paramref name="d"/> on.</summary>
    public TapRows<T> TapsOf(long b, long s, long d)
    {
        int states = _shape.Width - 1;
        int reach = Reach(b, s);
        return new TapRows<T>
        {
            Row0 = Tap(b, s, d, states, reach),
            Row1 = Tap(b, s, d, states - 1, reach),
            Row2 = Tap(b, s, d, states - 2, reach),
            Row3 = Tap(b, s, d, states - 3, reach),
        };
    }

    private T* Tap(long b, long s, long d, int back, int reach) => back < 0 || back > reach ? _zeroRow + d : Row(b, s - back, d);

    private int PackedReach(long b, long s)
    {
        int reach = 0;
        while (reach < _shape.Width - 1)
        {
            long at = s - reach;
            if (at > 0 && _inputs.SeqIdx[Position(b, at)] != _inputs.SeqIdx[Position(b, at - 1)])
            {
                break;
            }

            reach++;
        }

        return reach;
    }
}
