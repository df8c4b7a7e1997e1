using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// One task of the convolution's gradients. <c>gradients</c> holds g of the eight steps of a tile and, after them, of the W-1 steps
/// that follow it, the rows at a stride of the task's channels; steps past the end of the sequence are zero.
/// </summary>
internal readonly unsafe struct ConvGradientTile<V, T, TTaps>(
    CausalConv1dShape shape, ConvRows<T> rows, CausalConv1dOutputGradients<T> arriving, CausalConv1dInputGradients<T> written,
    ConvTask work, T* gradients, T* sums)
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TTaps : struct, ITaps
{
    private const int Tile = 8;

    /// <summary>Rows of <c>gradients</c>: the tile, what follows it, and room for the sums of four steps before the activation.</summary>
    public const int Rows = SumRow + ConvSums.Steps;

    private const int SumRow = Tile + 3;

    public void RunTask()
    {
        for (long b = work.FirstBatch; b < work.EndBatch; b++)
        {
            // What follows the task: computed anew, zero past the end.
            long follows = work.EndStep;
            new Span<T>(gradients, (int)(Rows * work.Channels)).Clear();
            ActivationGradients(b, follows, Math.Min(follows + TTaps.Width - 1, shape.Length), gradients);
            while (follows > work.FirstStep)
            {
                long first = Math.Max(work.FirstStep, follows - Tile);
                for (int row = TTaps.Width - 2; row >= 0; row--)
                {
                    new Span<T>(Gradient(row), (int)work.Channels).CopyTo(new Span<T>(Gradient((int)(follows - first) + row), (int)work.Channels));
                }

                ActivationGradients(b, first, follows, gradients);
                AddToSums(b, first, follows);
                InputGradients(b, first, follows);
                follows = first;
            }

            for (int s = -1; s > -TTaps.Width && work.FirstStep == 0 && written.DInitialStates != null; s--)
            {
                long row = (b * (TTaps.Width - 1)) + TTaps.Width - 1 + s;
                InputGradient(b, s, 0, written.DInitialStates + (row * shape.Channels) + work.FirstChannel);
            }
        }
    }

    private T* Gradient(int row) => gradients + (row * work.Channels);

    /// <summary>g of the steps [first, end).</summary>
    private void ActivationGradients(long b, long first, long end, T* target)
    {
        T* taps = rows.Taps + work.FirstChannel;
        T* bias = rows.Bias + work.FirstChannel;
        T* preActivation = Gradient(SumRow);
        for (long s = first, steps; s < end; s += steps)
        {
            T* row = target + ((s - first) * work.Channels);
            steps = shape.Silu && rows.IsPlain(b, s, s + ConvSums.Steps, end) ? ConvSums.Steps : 1;
            if (steps > 1)
            {
                T* oldest = rows.Row(b, s - TTaps.Width + 1, work.FirstChannel);
                ConvSums.Four<V, T, TTaps>(taps, shape.Channels, bias, oldest, rows.Stride, preActivation, work.Channels, work.Channels);
            }
            else if (shape.Silu)
            {
                ConvSums.One<V, T, TTaps>(taps, shape.Channels, bias, rows.TapsOf(b, s, work.FirstChannel), preActivation, work.Channels);
            }

            for (int i = 0; i < steps; i++)
            {
                T* dout = arriving.DOut + (rows.Position(b, s + i) * arriving.DOutRowStride) + work.FirstChannel;
                T* gradient = row + (i * work.Channels);
                if (shape.Silu)
                {
                    ConvActivation.SiluGradient<V, T>(preActivation + (i * work.Channels), dout, gradient, work.Channels);
                }
                else
                {
                    new Span<T>(dout, (int)work.Channels).CopyTo(new Span<T>(gradient, (int)work.Channels));
                }
            }
        }
    }

    private void AddToSums(long b, long first, long end)
    {
        for (long s = first, steps; s < end && sums != null; s += steps)
        {
            T* gradient = Gradient((int)(s - first));
            steps = rows.IsPlain(b, s, s + ConvSums.Steps, end) ? ConvSums.Steps : 1;
            if (steps > 1)
            {
                T* oldest = rows.Row(b, s - TTaps.Width + 1, work.FirstChannel);
                ConvTapGradients.Four<V, T, TTaps>(sums, oldest, rows.Stride, gradient, work.Channels, work.Channels);
            }
            else
            {
                ConvTapGradients.One<V, T, TTaps>(sums, rows.TapsOf(b, s, work.FirstChannel), gradient, work.Channels);
            }
        }
    }

    private void InputGradients(long b, long first, long end)
    {
        long stride = shape.Reverse ? written.DXRowStride : -written.DXRowStride;
        for (long s = end - 1, steps; s >= first && written.DX != null; s -= steps)
        {
            T* target = written.DX + (rows.Position(b, s) * written.DXRowStride) + work.FirstChannel;
            bool endsInState = arriving.DFinalStates != null && s > shape.Length - TTaps.Width;
            long reaching = Math.Min(s + TTaps.Width, shape.Length);
            steps = s - ConvSums.Steps >= first - 1 && !endsInState && rows.IsOneSequence(b, s - ConvSums.Steps + 1, reaching) ? ConvSums.Steps : 1;
            if (steps > 1)
            {
                T* latest = Gradient((int)(s - first) + TTaps.Width - 1);
                ConvSums.Four<V, T, TTaps>(
                    rows.Taps + work.FirstChannel, shape.Channels, rows.ZeroRow, latest, -work.Channels, target, stride, work.Channels);
            }
            else
            {
                InputGradient(b, s, first, target);
            }
        }
    }

    /// <summary>The gradient of input <paramref name="s"/>, an initial state where negative, from the steps that reach it.</summary>
    private void InputGradient(long b, long s, long first, T* target)
    {
        int states = TTaps.Width - 1;
        long state = s - (shape.Length - states);
        bool endsInState = arriving.DFinalStates != null && state >= 0;
        T* extra = endsInState ? arriving.DFinalStates + (((b * states) + state) * shape.Channels) + work.FirstChannel : rows.ZeroRow;
        var reaching = new TapRows<T>
        {
            Row0 = Reaching(b, s, states, first),
            Row1 = Reaching(b, s, states - 1, first),
            Row2 = Reaching(b, s, states - 2, first),
            Row3 = Reaching(b, s, states - 3, first),
        };
        ConvSums.One<V, T, TTaps>(rows.Taps + work.FirstChannel, shape.Channels, extra, reaching, target, work.Channels);
    }

    private T* Reaching(long b, long s, int later, long first)
    {
        long from = s + later;
        bool reaches = later >= 0 && from >= 0 && from < shape.Length && rows.Reach(b, from) >= later;
        return reaches ? Gradient((int)(from - first)) : rows.ZeroRow;
    }
}
