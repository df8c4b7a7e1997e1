using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>A selective scan on an emulated GPU, in memory that ends with its last element, beside the reference on the same inputs.</summary>
internal sealed unsafe class CudaScanCase<T> : IDisposable
    where T : unmanaged
{
    private readonly EmulatedGpu _gpu;
    private readonly SelectiveScanShape _s;
    private readonly List<IDisposable> _memory = [];
    private readonly Dictionary<string, Func<double[]>> _results = [];
    private readonly List<Action> _forget = [];
    private readonly int _pad;
    private bool _known;
    public readonly ReferenceScan Reference;
    public SelectiveScanInputs<T> Inputs;
    public SelectiveScanOutputs<T> Outputs;
    public SelectiveScanGradients<T> Gradients;

    /// <param name="gpu">Where it runs</param>
    /// <param name="shape">Sizes</param>
    /// <param name="reference">Inputs, rounded here to what the sequences hold</param>
    /// <param name="pad">Elements between the rows of every sequence</param>
    public CudaScanCase(EmulatedGpu gpu, SelectiveScanShape shape, ReferenceScan reference, int pad = 0)
    {
        (_gpu, _s, Reference, _pad) = (gpu, shape, reference, pad);
        var sequences = new List<double[]?> { reference.U, reference.Delta, reference.Z, reference.GradOut };
        if (shape.PerPositionB) sequences.Add(reference.B);
        if (shape.PerPositionC) sequences.Add(reference.C);
        foreach (double[]? sequence in sequences)
        {
            for (int i = 0; i < (sequence?.Length ?? 0); i++) sequence![i] = GpuArray<T>.ToDouble(GpuArray<T>.FromDouble(sequence[i]));
        }

        int d = shape.Channels, bc = shape.Groups * shape.States, row = shape.ReturnStates ? d * shape.States : d, plane = d * shape.States;
        bool states = shape.ReturnStates;
        Inputs = new SelectiveScanInputs<T>
        {
            U = Rows(reference.U, d), UStride = d + pad, Delta = Rows(reference.Delta, d), DeltaStride = d + pad, A = Parameter(reference.A),
            B = shape.PerPositionB ? Rows(reference.B, bc) : Parameter(reference.B), BStride = bc + pad,
            C = states ? null : shape.PerPositionC ? Rows(reference.C, bc) : Parameter(reference.C), CStride = bc + pad,
            Z = Rows(reference.Z, d), ZStride = d + pad, D = Parameter(reference.D), DeltaBias = Parameter(reference.Bias), InitialState = Parameter(reference.H0),
        };
        if (reference.Seq != null)
        {
            Inputs.SequenceIndex = Keep(new GpuArray<int>(gpu, reference.Seq)).Pointer;
        }

        long state = shape.Batch * plane;
        Outputs = new SelectiveScanOutputs<T> { Out = Result("out", row), OutStride = row + pad, LastState = shape.Stateless ? null : ParameterResult("last", state) };
        Gradients = new SelectiveScanGradients<T>
        {
            Out = Rows(reference.GradOut, row), OutStride = row + pad, LastState = Parameter(reference.GradLast), U = Result("du", d), UStride = d + pad,
            Delta = Result("ddelta", d), DeltaStride = d + pad, A = ParameterResult("dA", plane),
            B = shape.PerPositionB ? Result("dB", bc) : ParameterResult("dB", plane), BStride = bc + pad,
            C = states ? null : shape.PerPositionC ? Result("dC", bc) : ParameterResult("dC", plane), CStride = bc + pad,
            Z = reference.Z == null ? null : Result("dz", d), ZStride = d + pad, D = reference.D == null ? null : ParameterResult("dD", d),
            DeltaBias = ParameterResult("dbias", d), InitialState = shape.Stateless ? null : ParameterResult("dh0", state),
        };
    }

    public static CudaScanCase<T> Random(
        EmulatedGpu gpu, SelectiveScanShape shape, bool z = true, bool d = true, bool bias = true, bool h0 = true, bool last = true, bool packed = false, int seed = 1, int pad = 0)
    {
        using var drawn = new ScanHarness<double>(shape, z, d, bias, h0, last, packed, seed);
        return new CudaScanCase<T>(gpu, shape with { Stateless = !h0 && !last }, drawn.Reference, pad);
    }

    public void Run(bool backward = true)
    {
        _forget.ForEach(forget => forget());
        long elements = CudaSelectiveScan.CheckpointElements(_s);
        Assert.True(elements == 0 || elements <= _s.Batch * _s.Length * _s.Channels);
        using var kept = new GpuArray<byte>(_gpu, elements * KernelTypes.ParameterBytes<T>());
        using var forward = new GpuArray<byte>(_gpu, CudaSelectiveScan.ForwardWorkspaceBytes<T>(_s));
        Outputs.Checkpoints = backward && elements > 0 ? (T*)kept.Pointer : null;
        CudaSelectiveScan.Forward(_gpu, _s, Inputs, Outputs, (nint)forward.Pointer);
        if (backward)
        {
            using var space = new GpuArray<byte>(_gpu, CudaSelectiveScan.BackwardWorkspaceBytes<T>(_s));
            CudaSelectiveScan.Backward(_gpu, _s, Inputs, elements > 0 ? (nint)kept.Pointer : 0, Gradients, (nint)space.Pointer);
        }
    }

    public Dictionary<string, double[]> Snapshot() => _results.ToDictionary(r => r.Key, r => r.Value());

    /// <summary>Asserts the row of float32, or float64; and of 16-bit sequences besides, half a unit in the last place of the largest.</summary>
    public void AssertClose(string what, bool backward = true)
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
            ["out"] = Reference.Out, ["last"] = Reference.LastState, ["du"] = Reference.GU, ["ddelta"] = Reference.GDelta, ["dA"] = Reference.GA, ["dB"] = Reference.GB,
            ["dC"] = Reference.GC, ["dD"] = Reference.GD, ["dz"] = Reference.GZ, ["dbias"] = Reference.GBias, ["dh0"] = Reference.GH0,
        };
        foreach (var (name, values) in Snapshot().Where(r => backward || r.Key is "out" or "last"))
        {
            bool parameter = name is "dA" or "dD" or "dbias" || (name == "dB" && !_s.PerPositionB) || (name == "dC" && !_s.PerPositionC);
            double tolerance = name switch
            {
                "out" => (single ? 1e-5 : 1e-12) + rounding,
                "last" => single ? 1e-5 : 1e-12,
                "dh0" => single ? 2e-5 : 1e-12,
                _ when parameter => single ? 5e-5 : 1e-11,
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
