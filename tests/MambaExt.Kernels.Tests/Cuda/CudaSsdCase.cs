using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>A Mamba-2 scan on an emulated GPU, in memory that ends with its last element, beside the reference on the same inputs.</summary>
internal sealed unsafe class CudaSsdCase<T> : IDisposable
    where T : unmanaged
{
    private readonly EmulatedGpu _gpu;
    private readonly StateSpaceDualityShape _s;
    private readonly List<IDisposable> _memory = [];
    private readonly Dictionary<string, Func<double[]>> _results = [];
    private readonly List<Action> _forget = [];
    private readonly int _pad;
    private bool _known;
    public readonly ReferenceSsd Reference;
    public StateSpaceDualityInputs<T> Inputs;
    public StateSpaceDualityOutputs<T> Outputs;
    public StateSpaceDualityGradients<T> Gradients;

    /// <param name="gpu">Where it runs</param>
    /// <param name="shape">Sizes</param>
    /// <param name="reference">Inputs, rounded here to what the sequences hold</param>
    /// <param name="pad">Elements between the rows of every sequence</param>
    public CudaSsdCase(EmulatedGpu gpu, StateSpaceDualityShape shape, ReferenceSsd reference, int pad = 0)
    {
        (_gpu, _s, Reference, _pad) = (gpu, shape, reference, pad);
        foreach (double[]? sequence in new[] { reference.X, reference.Dt, reference.B, reference.C, reference.Z, reference.GradOut })
        {
            for (int i = 0; i < (sequence?.Length ?? 0); i++) sequence![i] = GpuArray<T>.ToDouble(GpuArray<T>.FromDouble(sequence[i]));
        }

        int x = shape.Channels, bc = shape.Groups * shape.States, skip = shape.SkipPerChannel ? shape.Channels : shape.Heads;
        long state = shape.Batch * shape.Channels * shape.States;
        bool z = reference.Z != null, d = reference.D != null;
        Inputs = new StateSpaceDualityInputs<T>
        {
            X = Rows(reference.X, x), XStride = x + pad, Dt = Rows(reference.Dt, shape.Heads), DtStride = shape.Heads + pad, A = Parameter(reference.A),
            B = Rows(reference.B, bc), BStride = bc + pad, C = Rows(reference.C, bc), CStride = bc + pad, D = Parameter(reference.D), Z = Rows(reference.Z, x), ZStride = x + pad,
            DtBias = Parameter(reference.Bias), InitialState = Parameter(reference.S0),
        };
        if (reference.Seq != null)
        {
            Inputs.SequenceIndex = Keep(new GpuArray<int>(gpu, reference.Seq)).Pointer;
        }

        Outputs = new StateSpaceDualityOutputs<T> { Out = Result("out", x), OutStride = x + pad, LastState = ParameterResult("last", state) };
        Gradients = new StateSpaceDualityGradients<T>
        {
            Out = Rows(reference.GradOut, x), OutStride = x + pad, LastState = Parameter(reference.GradLast), X = Result("dx", x), XStride = x + pad,
            Dt = Result("ddt", shape.Heads), DtStride = shape.Heads + pad, A = ParameterResult("dA", shape.Heads), B = Result("dB", bc), BStride = bc + pad,
            C = Result("dC", bc), CStride = bc + pad, D = d ? ParameterResult("dD", skip) : null, Z = z ? Result("dz", x) : null, ZStride = x + pad,
            DtBias = ParameterResult("dbias", shape.Heads), InitialState = ParameterResult("ds0", state),
        };
    }

    public static CudaSsdCase<T> Random(
        EmulatedGpu gpu, StateSpaceDualityShape shape, bool z = true, bool d = true, bool bias = true, bool s0 = true, bool last = true, bool packed = false, int seed = 1, int pad = 0)
    {
        using var drawn = new SsdCase<double>(shape, z, d, bias, s0, last, packed, seed);
        return new CudaSsdCase<T>(gpu, shape, drawn.Reference, pad);
    }

    public void Run(bool checkpoints = true)
    {
        _forget.ForEach(forget => forget());
        long elements = CudaStateSpaceDuality.CheckpointElements(_s);
        using var kept = new GpuArray<byte>(_gpu, elements * KernelTypes.ParameterBytes<T>());
        using var forward = new GpuArray<byte>(_gpu, CudaStateSpaceDuality.ForwardWorkspaceBytes<T>(_s, checkpoints));
        Outputs.Checkpoints = checkpoints && elements > 0 ? (T*)kept.Pointer : null;
        CudaStateSpaceDuality.Forward(_gpu, _s, Inputs, Outputs, (nint)forward.Pointer);
        if (checkpoints)
        {
            using var backward = new GpuArray<byte>(_gpu, CudaStateSpaceDuality.BackwardWorkspaceBytes<T>(_s));
            CudaStateSpaceDuality.Backward(_gpu, _s, Inputs, (nint)kept.Pointer, Gradients, (nint)backward.Pointer);
        }
    }

    public Dictionary<string, double[]> Snapshot() => _results.ToDictionary(r => r.Key, r => r.Value());

    /// <summary>Asserts the row of float32, or float64; and of 16-bit sequences besides, half a unit in the last place of the largest.</summary>
    public void AssertClose(string what)
    {
        if (!_known)
        {
            Reference.Run();
            _known = true;
        }

        bool single = typeof(T) != typeof(double);
        double rounding = typeof(T) == typeof(BFloat16) ? 1 / 256.0 : typeof(T) == typeof(Half) ? 1 / 2048.0 : 0;
        var expected = new Dictionary<string, double[]>
        {
            ["out"] = Reference.Out, ["last"] = Reference.LastState, ["dx"] = Reference.GX, ["ddt"] = Reference.GDt, ["dA"] = Reference.GA, ["dB"] = Reference.GB,
            ["dC"] = Reference.GC, ["dD"] = Reference.GD, ["dz"] = Reference.GZ, ["dbias"] = Reference.GBias, ["ds0"] = Reference.GS0,
        };
        foreach (var (name, values) in Snapshot())
        {
            double tolerance = name switch
            {
                "out" => (single ? 1e-5 : 1e-12) + rounding,
                "last" => single ? 1e-5 : 1e-12,
                "dA" or "dD" or "dbias" => single ? 5e-5 : 1e-11,
                "ds0" => single ? 2e-5 : 1e-12,
                _ => (single ? 2e-5 : 1e-12) + rounding,
            };
            Compare.Close(expected[name], values, tolerance, $"{typeof(T).Name}, {what}: {name}");
        }
    }

    public void Dispose() => _memory.ForEach(m => m.Dispose());

    private A Keep<A>(A array)
        where A : IDisposable
    {
        _memory.Add(array);
        return array;
    }

    /// <summary>Rows of a sequence with the gap between them.</summary>
    private T* Rows(double[]? values, int width)
    {
        if (values == null) return null;
        long rows = _s.Batch * _s.Length;
        var spread = new double[rows == 0 ? 0 : ((rows - 1) * (width + _pad)) + width];
        Array.Fill(spread, double.NaN);
        for (int row = 0; row < rows; row++) values.AsSpan(row * width, width).CopyTo(spread.AsSpan(row * (width + _pad)));
        return Keep(GpuArray<T>.Of(_gpu, spread)).Pointer;
    }

    private T* Parameter(double[]? values) => values == null ? null
        : typeof(T) == typeof(double) ? (T*)Keep(GpuArray<double>.Of(_gpu, values)).Pointer
        : (T*)Keep(GpuArray<float>.Of(_gpu, values)).Pointer;

    private T* Result(string name, int width)
    {
        int rows = (int)(_s.Batch * _s.Length), stride = width + _pad;
        GpuArray<T> memory = Keep(new GpuArray<T>(_gpu, rows == 0 ? 0 : ((rows - 1) * stride) + width));
        Forget(memory);
        _results[name] = () =>
        {
            double[] all = memory.ToDoubles();
            Assert.All(all.Where((_, i) => i % stride >= width), gap => Assert.True(double.IsNaN(gap), $"{name} was written between its rows"));
            return [.. all.Where((_, i) => i % stride < width)];
        };
        return memory.Pointer;
    }

    private T* ParameterResult(string name, long count)
    {
        if (typeof(T) == typeof(double))
        {
            GpuArray<double> exact = Keep(new GpuArray<double>(_gpu, count));
            Forget(exact);
            _results[name] = exact.ToDoubles;
            return (T*)exact.Pointer;
        }

        GpuArray<float> single = Keep(new GpuArray<float>(_gpu, count));
        Forget(single);
        _results[name] = single.ToDoubles;
        return (T*)single.Pointer;
    }

    /// <summary>Not-a-number again before each run.</summary>
    private void Forget<E>(GpuArray<E> memory)
        where E : unmanaged => _forget.Add(() => new Span<byte>(memory.Pointer, (int)(memory.Length * sizeof(E))).Fill(0xFF));
}
