using System.Numerics;

namespace MambaExt.Kernels.Tests;

/// <summary>Random inputs of a Mamba-2 scan, run through the kernel and the reference, compared tensor by tensor.</summary>
internal sealed unsafe class SsdCase<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<IDisposable> _memory = [];
    private readonly Dictionary<string, NativeArray<T>> _results = [];
    private readonly StateSpaceDualityShape _s;
    private bool _known;
    public readonly ReferenceSsd Reference;
    public StateSpaceDualityInputs<T> Inputs;
    public StateSpaceDualityOutputs<T> Outputs;
    public StateSpaceDualityGradients<T> Gradients;

    public SsdCase(StateSpaceDualityShape shape, bool z = true, bool d = true, bool bias = true, bool s0 = true, bool last = true, bool packed = false, int seed = 1, int pad = 0)
    {
        _s = shape;
        var random = new Random(seed);
        long rows = shape.Batch * shape.Length, x = rows * shape.Channels, bc = rows * shape.Groups * shape.States, state = shape.Batch * shape.Channels * shape.States;
        int skip = shape.SkipPerChannel ? shape.Channels : shape.Heads;
        double[] Draw(long count, double low, double high) => Array.ConvertAll(Compare.Random(random, count), v => (double)(float)((low + high) / 2 + v * (high - low) / 2));
        Reference = new ReferenceSsd(shape)
        {
            X = Draw(x, -1, 1), Dt = shape.Softplus ? Draw(rows * shape.Heads, -4, 1) : Draw(rows * shape.Heads, 0.01, 0.9), A = Draw(shape.Heads, -4, -0.05),
            B = Draw(bc, -1, 1), C = Draw(bc, -1, 1), Z = z ? Draw(x, -3, 3) : null, D = d ? Draw(skip, -1, 1) : null, Bias = bias ? Draw(shape.Heads, -0.2, 0.2) : null,
            S0 = s0 ? Draw(state, -1, 1) : null, GradOut = Draw(x, -1, 1), GradLast = last ? Draw(state, -1, 1) : null,
        };
        if (packed)
        {
            Reference.Seq = new int[rows];
            for (long i = 0; i < rows; i++) Reference.Seq[i] = i % shape.Length == 0 ? 0 : (Reference.Seq[i - 1] + (random.Next(9) == 0 ? 1 : 0)) % 3;
        }

        int wide = shape.Channels + pad, group = shape.Groups * shape.States + pad, heads = shape.Heads + pad;
        Inputs = new StateSpaceDualityInputs<T>
        {
            X = Rows(Reference.X, shape.Channels, wide), XStride = wide, Dt = Rows(Reference.Dt, shape.Heads, heads), DtStride = heads, A = Plain(Reference.A),
            B = Rows(Reference.B, group - pad, group), BStride = group, C = Rows(Reference.C, group - pad, group), CStride = group, D = Plain(Reference.D),
            Z = z ? Rows(Reference.Z!, shape.Channels, wide) : null, ZStride = wide, DtBias = Plain(Reference.Bias), InitialState = Plain(Reference.S0),
        };
        if (packed)
        {
            var sequence = new NativeArray<int>(Reference.Seq);
            _memory.Add(sequence);
            Inputs.SequenceIndex = sequence.Pointer;
        }

        Outputs = new StateSpaceDualityOutputs<T> { Out = Result("out", x), OutStride = shape.Channels, LastState = Result("last", state) };
        Gradients = new StateSpaceDualityGradients<T>
        {
            Out = Plain(Reference.GradOut), OutStride = shape.Channels, LastState = Plain(Reference.GradLast), X = Result("dx", x), XStride = shape.Channels,
            Dt = Result("ddt", rows * shape.Heads), DtStride = shape.Heads, A = Result("dA", shape.Heads), B = Result("dB", bc), BStride = group - pad,
            C = Result("dC", bc), CStride = group - pad, D = d ? Result("dD", skip) : null, Z = z ? Result("dz", x) : null, ZStride = shape.Channels,
            DtBias = Result("dbias", shape.Heads), InitialState = Result("ds0", state),
        };
    }

    public void Run(KernelOptions options, bool checkpoints = true)
    {
        foreach (NativeArray<T> result in _results.Values) result.Span.Fill(T.NaN);
        using var kept = new NativeArray<T>(StateSpaceDuality.CheckpointElements<T>(_s));
        Outputs.Checkpoints = checkpoints ? kept.Pointer : null;
        StateSpaceDuality.Forward(_s, Inputs, Outputs, options);
        if (checkpoints)
        {
            StateSpaceDuality.Backward(_s, Inputs, kept.Pointer, Gradients, options);
        }
    }

    public Dictionary<string, T[]> Snapshot() => _results.ToDictionary(r => r.Key, r => r.Value.Span.ToArray());

    /// <summary>Asserts the golden files' row "chunked order", or their float64 row.</summary>
    public void AssertClose(string what)
    {
        if (!_known)
        {
            Reference.Run();
            _known = true;
        }

        bool single = typeof(T) == typeof(float);
        var expected = new Dictionary<string, double[]>
        {
            ["out"] = Reference.Out, ["last"] = Reference.LastState, ["dx"] = Reference.GX, ["ddt"] = Reference.GDt, ["dA"] = Reference.GA, ["dB"] = Reference.GB,
            ["dC"] = Reference.GC, ["dD"] = Reference.GD, ["dz"] = Reference.GZ, ["dbias"] = Reference.GBias, ["ds0"] = Reference.GS0,
        };
        foreach (var (name, result) in _results)
        {
            double tolerance = name switch
            {
                "out" or "last" => single ? 1e-5 : 1e-12,
                "dA" or "dD" or "dbias" => single ? 5e-5 : 1e-11,
                _ => single ? 2e-5 : 1e-12,
            };
            Compare.Close(expected[name], result.ToDoubles(), tolerance, $"{what}: {name}");
        }
    }

    public void Dispose() => _memory.ForEach(m => m.Dispose());

    private T* Result(string name, long count)
    {
        var memory = new NativeArray<T>(count);
        _memory.Add(memory);
        _results[name] = memory;
        return memory.Pointer;
    }

    private T* Plain(double[]? values) => values == null ? null : Rows(values, values.Length, values.Length);

    private T* Rows(double[] values, int width, int stride)
    {
        var memory = new NativeArray<T>(width == 0 ? 0 : values.Length / width * (long)stride);
        _memory.Add(memory);
        for (int i = 0; i < values.Length; i++) memory.Pointer[(long)(i / width) * stride + i % width] = T.CreateChecked(values[i]);
        return memory.Pointer;
    }
}
