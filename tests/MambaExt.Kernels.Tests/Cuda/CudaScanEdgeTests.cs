using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The selective scan on the emulated GPU where sizes, values or pointers are unusual.</summary>
public sealed unsafe class CudaScanEdgeTests
{
    private static SelectiveScanShape Shape(long batch, long length, int channels, int states, int groups = 1) =>
        new() { Batch = batch, Length = length, Channels = channels, States = states, Groups = groups, Softplus = true };

    private static EmulatedGpu Gpu() => EmulatedGpu.Require(KernelSource.SelectiveScan, CudaSelectiveScan.Instances);

    [Fact]
    public void Equals_the_kernel_of_the_processor()
    {
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(2, 150, 40, 16, 2);
        using var here = CudaScanCase<float>.Random(gpu, shape);
        here.Run();
        using var there = new ScanHarness<float>(shape);
        there.Run(new KernelOptions(1, 256));
        Dictionary<string, double[]> results = here.Snapshot();
        Assert.Equal(11, results.Count);
        Assert.All(there.Snapshot(), r => Compare.Close(Array.ConvertAll(r.Value, v => (double)v), results[r.Key], 5e-5, r.Key));
    }

    [Theory]
    [InlineData(0, 5, 3, 4)]
    [InlineData(0, 0, 33, 17)]
    public void An_empty_batch_leaves_parameters_without_a_gradient(long batch, long length, int channels, int states)
    {
        using EmulatedGpu gpu = Gpu();
        using var scan = CudaScanCase<float>.Random(gpu, Shape(batch, length, channels, states) with { PerPositionC = false });
        scan.Run();
        Dictionary<string, double[]> got = scan.Snapshot();
        Assert.All(new[] { "dA", "dC", "dD", "dbias" }, name => Assert.All(got[name], value => Assert.Equal(0, value)));
    }

    /// <summary>So many short sequences that a block walks over several.</summary>
    [Theory]
    [InlineData(3300, 3, 2, 4, false)]
    [InlineData(1700, 2, 3, 20, true)]
    [InlineData(900, 1, 70, 5, false)]
    public void Runs_of_batch_entries_equal_the_reference(long batch, long length, int channels, int states, bool packed)
    {
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(batch, length, channels, states);
        Assert.True(new CudaScanPlan(shape).Parts < batch);
        using var scan = CudaScanCase<float>.Random(gpu, shape with { PerPositionB = !packed }, packed: packed, last: false);
        scan.Run();
        scan.AssertClose($"B {batch}");
    }

    /// <summary>Where the blocks' parts of dB and dC would take too much memory, a launch takes some batch entries only.</summary>
    [Fact]
    public void Launches_of_fewer_batch_entries_never_change_a_bit()
    {
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(5, 40, 70, 6, 1);
        using var scan = CudaScanCase<float>.Random(gpu, shape);
        scan.Run();
        Dictionary<string, double[]> expected = scan.Snapshot();
        using var kept = new GpuArray<float>(gpu, CudaSelectiveScan.CheckpointElements(shape));
        scan.Outputs.Checkpoints = kept.Pointer;
        CudaSelectiveScan.Forward(gpu, shape, scan.Inputs, scan.Outputs, 0);
        foreach (long entries in new long[] { 1, 2, 3 })
        {
            var plan = new CudaScanPlan(shape, entries * 2 * sizeof(float) * 3 * 40 * 6);
            Assert.Equal(entries, plan.SliceEntries);
            Assert.Equal(5, plan.Parts);
            using var space = new GpuArray<byte>(gpu, new CudaScanWorkspace(shape, plan, sizeof(float), 0, backward: true).Bytes);
            foreach (string name in new[] { "dB", "dC", "dA" })
            {
                new Span<float>(name == "dB" ? scan.Gradients.B : name == "dC" ? scan.Gradients.C : scan.Gradients.A, expected[name].Length).Fill(float.NaN);
            }

            CudaSelectiveScan.Backward(gpu, shape, plan, scan.Inputs, (nint)kept.Pointer, scan.Gradients, (nint)space.Pointer, 0);
            foreach (var (name, values) in scan.Snapshot()) Compare.Same(expected[name], values, $"{entries} entries a launch: {name}");
        }
    }

    /// <summary>More positions than 2^17, in segments; each has a checkpoint, a part and a start of its own.</summary>
    [Fact]
    public void A_sequence_of_140000_positions_equals_the_reference()
    {
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(1, 140_000, 1, 2);
        Assert.True(new CudaScanPlan(shape).Segments > 400);
        using var scan = CudaScanCase<double>.Random(gpu, shape, packed: false);
        scan.Run();
        scan.AssertClose("L 140000");
    }

    /// <summary>Rows 2^30 + 77 elements apart: offsets pass 2^32 elements by the fifth. All sequences lie in the same rows, in memory of which few pages exist.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Offsets_beyond_32_bits_equal_the_reference(bool general)
    {
        const long Stride = (1L << 30) + 77;
        const int Length = 6, Channels = 35, States = 9;
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(1, Length, Channels, States) with { PerPositionC = !general };
        using var near = CudaScanCase<float>.Random(gpu, shape);
        near.Run();
        Dictionary<string, double[]> expected = near.Snapshot();

        using var far = new SparseRows(Length, Stride);
        SelectiveScanInputs<float> inputs = near.Inputs with
        {
            U = far.Spread(near.Inputs.U, Channels),
            UStride = Stride,
            Delta = far.Spread(near.Inputs.Delta, Channels),
            DeltaStride = Stride,
            B = far.Spread(near.Inputs.B, States),
            BStride = Stride,
            Z = far.Spread(near.Inputs.Z, Channels),
            ZStride = Stride,
        };
        SelectiveScanGradients<float> gradients = near.Gradients with
        {
            Out = far.Spread(near.Gradients.Out, Channels),
            OutStride = Stride,
            U = far.Column(Channels),
            UStride = Stride,
            Delta = far.Column(Channels),
            DeltaStride = Stride,
            B = far.Column(States),
            BStride = Stride,
            Z = far.Column(Channels),
            ZStride = Stride,
        };
        if (!general)
        {
            inputs = inputs with { C = far.Spread(near.Inputs.C, States), CStride = Stride };
            gradients = gradients with { C = far.Column(States), CStride = Stride };
        }

        SelectiveScanOutputs<float> outputs = near.Outputs with { Out = far.Column(Channels), OutStride = Stride };
        CudaSelectiveScan.Forward(gpu, shape, inputs, outputs, 0);
        using var space = new GpuArray<byte>(gpu, CudaSelectiveScan.BackwardWorkspaceBytes<float>(shape));
        CudaSelectiveScan.Backward(gpu, shape, inputs, 0, gradients, (nint)space.Pointer);
        Compare.Same(expected["out"], far.Gather(outputs.Out, Channels), "out");
        Compare.Same(expected["du"], far.Gather(gradients.U, Channels), "du");
        Compare.Same(expected["ddelta"], far.Gather(gradients.Delta, Channels), "ddelta");
        Compare.Same(expected["dz"], far.Gather(gradients.Z, Channels), "dz");
        Compare.Same(expected["dB"], far.Gather(gradients.B, States), "dB");
        if (!general)
        {
            Compare.Same(expected["dC"], far.Gather(gradients.C, States), "dC");
        }
    }

    /// <summary>Decays that vanish within a step or grow, steps of zero, thousands and far below zero.</summary>
    [Theory]
    [InlineData(-20, 1000, true)]
    [InlineData(-16, -80, true)]
    [InlineData(0, 1, false)]
    [InlineData(0.05, 0.3, false)]
    [InlineData(-3, 0, false)]
    [InlineData(-0.001, 25, true)]
    public void Extreme_steps_and_decays_equal_the_reference(double a, double delta, bool softplus)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (long length in new long[] { 67, 800 })
        {
            SelectiveScanShape shape = Shape(1, length, 3, 6) with { Softplus = softplus };
            using var drawn = new ScanHarness<double>(shape, bias: false);
            Array.Fill(drawn.Reference.A, a);
            for (int i = 0; i < drawn.Reference.Delta.Length; i++) drawn.Reference.Delta[i] = i % 7 == 3 ? 0.1 : delta;
            using var exact = new CudaScanCase<double>(gpu, shape, drawn.Reference);
            exact.Run();
            exact.AssertClose($"A {a}, delta {delta}");
            using var single = new CudaScanCase<float>(gpu, shape, drawn.Reference);
            single.Run();
            Assert.All(single.Snapshot(), r => Assert.All(r.Value, v => Assert.True(double.IsFinite(v), r.Key)));
        }
    }

    /// <summary>A decay of nothing at all is 0, also where a tile has steps to spare.</summary>
    [Fact]
    public void A_rate_of_minus_infinity_forgets_everything()
    {
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(1, 37, 3, 4);
        using var drawn = new ScanHarness<double>(shape);
        Array.Fill(drawn.Reference.A, double.NegativeInfinity);
        using var scan = new CudaScanCase<float>(gpu, shape, drawn.Reference);
        scan.Run();
        ReferenceScan r = drawn.Reference;
        double[] last = scan.Snapshot()["last"];
        for (int d = 0; d < 3; d++)
        {
            double raw = r.Delta[(36 * 3) + d] + r.Bias![d], dt = Math.Log(1 + Math.Exp(raw));
            for (int n = 0; n < 4; n++) Assert.Equal(dt * r.U[(36 * 3) + d] * r.B[(36 * 4) + n], last[(d * 4) + n], 1e-5);
        }

        Assert.All(scan.Snapshot().Where(result => result.Key is not "ddelta" and not "dA" and not "dbias"), result => Assert.All(result.Value, v => Assert.True(double.IsFinite(v), result.Key)));
    }

    /// <summary>What is not finite in one packed sequence: every other sequence keeps its bits, and so do earlier positions. Where L is in segments, the
    /// sequence lies within the first, or over the boundary at 352 or 704: then a segment starts from what is not finite, a sequence begins in it, and the one
    /// beyond must not know.</summary>
    [Theory]
    [InlineData(float.NaN, 200, 70, 110)]
    [InlineData(float.PositiveInfinity, 200, 70, 110)]
    [InlineData(float.NaN, 1000, 70, 110)]
    [InlineData(float.NaN, 1000, 340, 360)]
    [InlineData(float.PositiveInfinity, 1000, 340, 360)]
    [InlineData(float.NaN, 1000, 690, 720)]
    [InlineData(float.NegativeInfinity, 1000, 690, 720)]
    public void What_is_not_finite_stays_with_those_that_read_it(float bad, int length, int from, int to)
    {
        using EmulatedGpu gpu = Gpu();
        if (float.IsNaN(bad))
        {
            Sequence<float>(gpu, bad, length, from, to);
        }
        else
        {
            Sequence<double>(gpu, bad, length, from, to);
        }
    }

    private static void Sequence<T>(EmulatedGpu gpu, float bad, int length, int from, int to)
        where T : unmanaged
    {
        const int Channels = 5, States = 7;
        int at = (from + to) / 2;
        SelectiveScanShape shape = Shape(1, length, Channels, States);
        var plan = new CudaScanPlan(shape);
        Assert.Equal(length < 1000 ? (1, length) : (3, 352), (plan.Segments, plan.SegmentSteps));
        CudaScanCase<T> Case()
        {
            using var drawn = new ScanHarness<double>(shape, packed: true);
            for (int t = 0; t < length; t++) drawn.Reference.Seq![t] = t < from ? 0 : t < to ? 1 : 2;
            return new CudaScanCase<T>(gpu, shape, drawn.Reference);
        }

        using CudaScanCase<T> clean = Case();
        clean.Run();
        Dictionary<string, double[]> expected = clean.Snapshot();
        foreach (string what in new[] { "u", "delta", "B", "C", "z", "dy" })
        {
            using CudaScanCase<T> dirty = Case();
            T* place = what switch
            {
                "u" => dirty.Inputs.U + (at * Channels) + 3,
                "delta" => dirty.Inputs.Delta + (at * Channels),
                "B" => dirty.Inputs.B + (at * States) + 2,
                "C" => dirty.Inputs.C + (at * States) + 2,
                "z" => dirty.Inputs.Z + (at * Channels),
                _ => dirty.Gradients.Out + (at * Channels) + 1,
            };
            *place = GpuArray<T>.FromDouble(bad);
            dirty.Run();
            Dictionary<string, double[]> got = dirty.Snapshot();
            foreach (string name in new[] { "out", "du", "ddelta", "dB", "dC", "dz" })
            {
                int width = expected[name].Length / length;
                Compare.Same(expected[name][..(from * width)], got[name][..(from * width)], $"{what}: {name} of the sequence before");
                Compare.Same(expected[name][(to * width)..], got[name][(to * width)..], $"{what}: {name} of the sequence after");
            }

            Compare.Same(expected["last"], got["last"], what);
            Compare.Same(expected["dh0"], got["dh0"], what);
            Compare.Same(expected["out"][..(at * Channels)], got["out"][..(at * Channels)], $"{what}: out of earlier positions");
            Assert.True(what == "delta" || got.Values.Any(values => values.Any(value => !double.IsFinite(value))), $"{what} was not read");
        }
    }

    [Fact]
    public void Gradients_that_nobody_wants_change_no_other()
    {
        using EmulatedGpu gpu = Gpu();
        foreach (int channels in new[] { 12, 70 })
        {
            using var scan = CudaScanCase<float>.Random(gpu, Shape(2, 70, channels, 5));
            scan.Run();
            Dictionary<string, double[]> all = scan.Snapshot();
            scan.Gradients.U = scan.Gradients.B = scan.Gradients.D = scan.Gradients.Delta = null;
            scan.Run();
            Dictionary<string, double[]> some = scan.Snapshot();
            Assert.All(new[] { "dA", "dC", "dz", "dbias", "dh0" }, name => Compare.Same(all[name], some[name], name));
            Assert.All(some["du"].Concat(some["dB"]).Concat(some["dD"]).Concat(some["ddelta"]), v => Assert.True(double.IsNaN(v)));
            scan.Gradients.C = scan.Gradients.Z = scan.Gradients.A = scan.Gradients.DeltaBias = scan.Gradients.InitialState = null;
            scan.Run();
            Assert.All(scan.Snapshot().Where(r => r.Key is not ("out" or "last")), r => Assert.All(r.Value, v => Assert.True(double.IsNaN(v))));
        }
    }

    /// <summary>Where a row of the plan decides: forms, checkpoints, lanes.</summary>
    [Theory]
    [InlineData(8, 2048, 1536, 16, 1, 48, 4, 32)]
    [InlineData(1, 2048, 1536, 16, 8, 48, 4, 32)]
    [InlineData(1, 2048, 1536, 4, 8, 48, 1, 32)]
    [InlineData(4, 2048, 1536, 16, 1, 48, 4, 32)]
    [InlineData(1, 700, 1536, 16, 1, 48, 4, 32)]
    [InlineData(2, 100_000, 64, 64, 98, 2, 4, 64)]
    [InlineData(1, 0, 3, 5, 1, 1, 2, 32)]
    [InlineData(1, 1000, 3, 200, 1, 1, 4, 256)]
    [InlineData(1, 1100, 3, 200, 3, 1, 4, 256)]
    public void The_plan_follows_from_the_shape(long batch, long length, int channels, int states, long segments, int blocks, int lanes, int steps)
    {
        SelectiveScanShape shape = Shape(batch, length, channels, states);
        var plan = new CudaScanPlan(shape);
        Assert.Equal((segments, blocks, lanes, steps), (plan.Segments, plan.Blocks, plan.Lanes, plan.CheckpointSteps));
        Assert.True(plan.SegmentSteps * plan.Segments >= length && plan.SegmentSteps * (plan.Segments - 1) <= length);
        Assert.True(plan.Segments == 1 || plan.SegmentSteps % steps == 0);
        Assert.True(CudaSelectiveScan.CheckpointElements(shape) <= batch * length * channels);
        Assert.Equal(plan.Segments == 1, CudaSelectiveScan.ForwardWorkspaceBytes<float>(shape) == 0);
    }

    [Fact]
    public void Wrong_arguments_are_refused_with_a_sentence()
    {
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(1, 40, 3, 4);
        using var scan = CudaScanCase<float>.Random(gpu, shape);
        using var space = new GpuArray<byte>(gpu, CudaSelectiveScan.BackwardWorkspaceBytes<float>(shape));
        void Refused(string says, Action run) => Assert.Contains(says, Assert.Throws<ArgumentException>(run).Message);
        Refused("state size of 257", () => CudaSelectiveScan.Forward(gpu, shape with { States = 257 }, scan.Inputs, scan.Outputs, 0));
        Refused("no memory for out", () => CudaSelectiveScan.Forward(gpu, shape, scan.Inputs, scan.Outputs with { Out = null }, 0));
        Refused("needs u, delta, A and B", () => CudaSelectiveScan.Forward(gpu, shape, scan.Inputs with { Delta = null }, scan.Outputs, 0));
        Refused("declared stateless", () => CudaSelectiveScan.Forward(gpu, shape with { Stateless = true }, scan.Inputs, scan.Outputs, 0));
        Refused("one of them is null", () => CudaSelectiveScan.Backward(gpu, shape, scan.Inputs, 0, scan.Gradients, (nint)space.Pointer));
    }
}
