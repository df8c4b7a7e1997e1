using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>Room for one block at a time.</summary>
internal readonly unsafe struct MambaStackScratch(in MambaStackShape shape, int rows, Workspace memory)
{
    /// <summary>x and z, [rows, 2 E].</summary>
    public readonly float* Both = memory.Allocate<float>((long)rows * PackedMatrix.Padded(2 * shape.Inner), zeroed: true);

    /// <summary>x behind the convolution, [rows, E].</summary>
    public readonly float* U = memory.Allocate<float>((long)rows * PackedMatrix.Padded(shape.Inner), zeroed: true);

    /// <summary>dt before its projection, B and C, [rows, R + 2 N].</summary>
    public readonly float* Selected = memory.Allocate<float>((long)rows * PackedMatrix.Padded(shape.Rank + (2 * shape.States)), zeroed: true);

    /// <summary>delta, [rows, E].</summary>
    public readonly float* Delta = memory.Allocate<float>((long)rows * PackedMatrix.Padded(shape.Inner), zeroed: true);

    /// <summary>What the scan says, [rows, E].</summary>
    public readonly float* Y = memory.Allocate<float>((long)rows * PackedMatrix.Padded(shape.Inner), zeroed: true);
}

/// <summary>One Mamba block of a <see cref="MambaStack"/>.</summary>
internal sealed unsafe class MambaStackBlock
{
    private readonly MambaStackShape _shape;
    private readonly bool _reverse;
    private readonly PackedMatrix _in, _select, _delta, _out;
    private readonly float* _taps, _tapBias, _a, _skip, _deltaBias;

    public MambaStackBlock(MambaStackShape shape, bool reverse, Workspace memory)
    {
        (_shape, _reverse) = (shape, reverse);
        int inner = shape.Inner, states = shape.States;
        _in = new PackedMatrix(shape.Width, 2 * inner, memory);
        _select = new PackedMatrix(inner, shape.Rank + (2 * states), memory);
        _delta = new PackedMatrix(shape.Rank, inner, memory);
        _out = new PackedMatrix(inner, shape.Width, memory);
        _taps = memory.Allocate<float>((long)inner * shape.Taps, zeroed: true);
        _tapBias = memory.Allocate<float>(inner, zeroed: true);
        _a = memory.Allocate<float>((long)inner * states, zeroed: true);
        _skip = memory.Allocate<float>(inner, zeroed: true);
        _deltaBias = memory.Allocate<float>(inner, zeroed: true);
    }

    public void Load(Func<string, float[]> weight)
    {
        _in.Load(weight("in_proj.weight"));
        _select.Load(weight("x_proj.weight"));
        _delta.Load(weight("dt_proj.weight"));
        _out.Load(weight("out_proj.weight"));
        Copy("conv1d.weight", _taps, _shape.Inner * _shape.Taps);
        Copy("conv1d.bias", _tapBias, _shape.Inner);
        Copy("D", _skip, _shape.Inner);
        Copy("dt_proj.bias", _deltaBias, _shape.Inner);
        Copy("A_log", _a, _shape.Inner * _shape.States);
        for (int i = 0; i < _shape.Inner * _shape.States; i++)
        {
            _a[i] = -MathF.Exp(_a[i]);
        }

        void Copy(string name, float* to, int count)
        {
            float[] values = weight(name);
            if (values.Length != count)
            {
                throw new ArgumentException($"{name} has {values.Length} values, expected {count}; give the weights of a model of this shape.");
            }

            values.CopyTo(new Span<float>(to, count));
        }
    }

    /// <summary>x += block(normed), both [rows, D].</summary>
    public void Add<V>(float* normed, int stride, int batch, int rows, in MambaStackScratch work, float* x, int bits)
        where V : unmanaged, IVector<V, float>
    {
        // One thread: this is one piece of a batch already.
        var alone = new KernelOptions(1, bits);
        int inner = _shape.Inner, states = _shape.States, wide = PackedMatrix.Padded(inner);
        _in.Multiply<V>(normed, stride, rows, work.Both, 0);
        CausalConv1d.Forward(
            new CausalConv1dShape(batch, _shape.Tokens, inner, _shape.Taps, Silu: true, _reverse),
            new CausalConv1dInputs<float> { X = work.Both, XRowStride = _in.Stride, Weight = _taps, Bias = _tapBias },
            new CausalConv1dOutputs<float> { Out = work.U, OutRowStride = wide }, alone);
        _select.Multiply<V>(work.U, wide, rows, work.Selected, 0);
        _delta.Multiply<V>(work.Selected, _select.Stride, rows, work.Delta, 0);
        SelectiveScan.Forward(
            new SelectiveScanShape { Batch = batch, Length = _shape.Tokens, Channels = inner, States = states, Softplus = true, Reverse = _reverse, Stateless = true },
            new SelectiveScanInputs<float>
            {
                U = work.U, UStride = wide, Delta = work.Delta, DeltaStride = wide, A = _a, D = _skip, DeltaBias = _deltaBias,
                B = work.Selected + _shape.Rank, BStride = _select.Stride, C = work.Selected + _shape.Rank + states, CStride = _select.Stride,
                Z = work.Both + inner, ZStride = _in.Stride,
            },
            new SelectiveScanOutputs<float> { Out = work.Y, OutStride = wide }, alone);
        _out.Multiply<V>(work.Y, wide, rows, x, 1);
    }
}
