using System.Numerics;
using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Tests;

/// <summary>Random inputs for a shape, run through the kernel and the reference, compared tensor by tensor.</summary>
internal sealed unsafe class ScanHarness<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<nint> _memory = [];
    private readonly SelectiveScanShape _s;
    public readonly ReferenceScan Reference;
    public SelectiveScanInputs<T> Inputs;
    public SelectiveScanOutputs<T> Outputs;
    public SelectiveScanGradients<T> Gradients;
    private readonly Dictionary<string, (nint Pointer, long Count)> _results = [];

    public ScanHarness(SelectiveScanShape shape, bool z = true, bool d = true, bool bias = true, bool h0 = true, bool last = true, bool packed = false, int seed = 1, long pad = 0)
    {
        _s = shape = shape with { Stateless = !h0 && !last };
        var random = new Random(seed);
        long rows = shape.Batch * shape.Length, sequence = rows * shape.Channels, state = shape.Batch * shape.Channels * shape.States;
        long bc = rows * shape.Groups * shape.States, constant = (long)shape.Channels * shape.States;
        double[] Draw(long n, double low, double high)
        {
            var a = new double[n];
            // Inputs are floats, so that both precisions and the reference see the same numbers.
            for (long i = 0; i < n; i++) a[i] = (float)(low + (high - low) * random.NextDouble());
            return a;
        }

        Reference = new ReferenceScan(shape)
        {
            U = Draw(sequence, -1, 1),
            Delta = shape.Softplus ? Draw(sequence, -3, 2) : Draw(sequence, 0.5, 1.5),
            A = Draw(constant, -4, -0.05),
            B = Draw(shape.PerPositionB ? bc : constant, -1, 1),
            C = shape.ReturnStates ? [] : Draw(shape.PerPositionC ? bc : constant, -1, 1),
            Z = z && !shape.ReturnStates ? Draw(sequence, -3, 3) : null,
            D = d && !shape.ReturnStates ? Draw(shape.Channels, -1, 1) : null,
            Bias = bias ? Draw(shape.Channels, -0.5, 0.5) : null,
            H0 = h0 ? Draw(state, -1, 1) : null,
            GradOut = Draw(sequence * (shape.ReturnStates ? shape.States : 1), -1, 1),
            GradLast = last ? Draw(state, -1, 1) : null,
        };
        if (packed)
        {
            Reference.Seq = new int[rows];
            for (long i = 0; i < rows; i++)
            {
                Reference.Seq[i] = i % Math.Max(1, shape.Length) == 0 ? 0 : Reference.Seq[i - 1] + (random.Next(9) == 0 ? 1 : 0);
            }
        }

        long row = shape.Channels + pad, bcRow = (long)shape.Groups * shape.States + pad;
        Inputs = new SelectiveScanInputs<T>
        {
            U = Rows(Reference.U, shape.Channels, row), UStride = row,
            Delta = Rows(Reference.Delta, shape.Channels, row), DeltaStride = row,
            A = Copy(Reference.A),
            B = shape.PerPositionB ? Rows(Reference.B, shape.Groups * shape.States, bcRow) : Copy(Reference.B), BStride = bcRow,
            C = shape.ReturnStates ? null : shape.PerPositionC ? Rows(Reference.C, shape.Groups * shape.States, bcRow) : Copy(Reference.C), CStride = bcRow,
            Z = Reference.Z == null ? null : Rows(Reference.Z, shape.Channels, row), ZStride = row,
            D = Copy(Reference.D), DeltaBias = Copy(Reference.Bias), InitialState = Copy(Reference.H0),
        };
        if (Reference.Seq != null)
        {
            Inputs.SequenceIndex = (int*)Bytes(rows * 4);
            for (long i = 0; i < rows; i++) Inputs.SequenceIndex[i] = Reference.Seq[i];
        }

        long outRow = (long)shape.Channels * (shape.ReturnStates ? shape.States : 1);
        Outputs = new SelectiveScanOutputs<T> { Out = Result("out", rows * outRow), OutStride = outRow, LastState = _s.Stateless ? null : Result("last", state) };
        Gradients = new SelectiveScanGradients<T>
        {
            Out = Copy(Reference.GradOut), OutStride = outRow, LastState = Copy(Reference.GradLast),
            U = Result("du", sequence), UStride = shape.Channels,
            Delta = Result("ddelta", sequence), DeltaStride = shape.Channels,
            A = Result("dA", constant),
            B = Result("dB", Reference.B.Length), BStride = (long)shape.Groups * shape.States,
            C = Result("dC", Reference.C.Length), CStride = (long)shape.Groups * shape.States,
            Z = Result("dz", sequence), ZStride = shape.Channels,
            D = Result("dD", shape.Channels), DeltaBias = Result("dbias", shape.Channels), InitialState = _s.Stateless ? null : Result("dh0", state),
        };
    }

    public void Run(KernelOptions options)
    {
        Outputs.Checkpoints = (T*)Bytes(SelectiveScan.CheckpointElements<T>(_s, options) * sizeof(T));
        foreach (var (pointer, count) in _results.Values) new Span<T>((void*)pointer, checked((int)count)).Fill(T.NaN);
        SelectiveScan.Forward(_s, Inputs, Outputs, options);
        SelectiveScan.Backward(_s, Inputs, Outputs.Checkpoints, Gradients, options);
    }

    public Dictionary<string, T[]> Snapshot() => _results.ToDictionary(r => r.Key, r => new Span<T>((void*)r.Value.Pointer, (int)r.Value.Count).ToArray());

    /// <summary>Worst error of each tensor, relative to its own largest magnitude.</summary>
    public Dictionary<string, double> Errors()
    {
        Reference.Run();
        var errors = new Dictionary<string, double>();
        void Compare(string name, double[]? expected)
        {
            if (expected == null || expected.Length == 0 || !_results.ContainsKey(name)) return;
            var got = new Span<T>((void*)_results[name].Pointer, (int)_results[name].Count);
            double scale = 0, worst = 0;
            for (int i = 0; i < expected.Length; i++)
            {
                scale = Math.Max(scale, Math.Abs(expected[i]));
                double error = Math.Abs(double.CreateChecked(got[i]) - expected[i]);
                worst = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(worst, error);
            }

            errors[name] = worst <= 1e-25 ? 0 : worst / scale;
        }

        Compare("out", Reference.Out);
        Compare("last", Reference.LastState);
        Compare("du", Reference.GU);
        Compare("ddelta", Reference.GDelta);
        Compare("dA", Reference.GA);
        Compare("dB", Reference.GB);
        Compare("dC", Reference.GC);
        Compare("dz", Reference.Z == null ? null : Reference.GZ);
        Compare("dD", Reference.D == null ? null : Reference.GD);
        Compare("dbias", Reference.GBias);
        Compare("dh0", Reference.GH0);
        return errors;
    }

    /// <summary>Asserts the README's row "float32, fast exp" or "float64".</summary>
    public void AssertClose(string what)
    {
        bool single = typeof(T) == typeof(float);
        foreach (var (name, error) in Errors())
        {
            double tolerance = name switch
            {
                "out" or "last" => single ? 1e-5 : 1e-12,
                "dA" or "dD" or "dbias" => single ? 5e-5 : 1e-11,
                "dB" when !_s.PerPositionB => single ? 5e-5 : 1e-11,
                "dC" when !_s.PerPositionC => single ? 5e-5 : 1e-11,
                _ => single ? 2e-5 : 1e-12,
            };
            Assert.True(error <= tolerance, $"{what}: {name} is off by {error:e2} of its largest value, allowed {tolerance:e0}");
        }
    }

    private T* Result(string name, long count)
    {
        T* memory = (T*)Bytes(count * sizeof(T));
        _results[name] = ((nint)memory, count);
        return memory;
    }

    private T* Copy(double[]? values) => values == null ? null : Rows(values, values.Length, values.Length);

    private T* Rows(double[] values, long width, long stride)
    {
        long rows = width == 0 ? 0 : values.Length / width;
        T* memory = (T*)Bytes(rows * stride * sizeof(T));
        for (long r = 0; r < rows; r++)
        {
            for (long i = 0; i < width; i++) memory[r * stride + i] = T.CreateTruncating(values[r * width + i]);
            for (long i = width; i < stride; i++) memory[r * stride + i] = T.NaN;
        }

        return memory;
    }

    private void* Bytes(long bytes)
    {
        void* memory = NativeMemory.Alloc((nuint)Math.Max(bytes, 16));
        _memory.Add((nint)memory);
        return memory;
    }

    public void Dispose() => _memory.ForEach(m => NativeMemory.Free((void*)m));
}
