namespace MambaExt.Kernels.Tests;

public class SelectiveScanTests
{
    public static readonly int[] Widths = [128, 256, 512];

    private static SelectiveScanShape Shape(long batch, long length, int channels, int states, int groups = 1) =>
        new() { Batch = batch, Length = length, Channels = channels, States = states, Groups = groups, Softplus = true };

    [Theory]
    [InlineData(12, 3)]
    [InlineData(33, 3)]
    [InlineData(30, 2)]
    [InlineData(40, 8)]
    [InlineData(7, 7)]
    public void Group_edges_inside_a_vector_are_respected(int channels, int groups)
    {
        foreach (int bits in Widths)
        {
            using var harness = new ScanHarness<float>(Shape(2, 70, channels, 16, groups));
            harness.Run(new KernelOptions(2, bits));
            harness.AssertClose($"D {channels}, G {groups}, {bits} bits");
        }
    }

    /// <summary>Each pair of the ten switches in each of its four states, the other switches drawn at random.</summary>
    [Fact]
    public void Every_pair_of_options_equals_the_reference()
    {
        const int Options = 10;
        var random = new Random(5);
        for (int i = 0; i < Options; i++)
        {
            for (int j = 0; j < i; j++)
            {
                for (int pair = 0; pair < 4; pair++)
                {
                    int mask = random.Next(1 << Options) & ~(1 << i | 1 << j) | (pair & 1) << i | (pair >> 1) << j;
                    bool On(int k) => (mask >> k & 1) != 0;
                    bool states = On(9) && (i == 9 || j == 9);
                    SelectiveScanShape shape = Shape(2, 67, 12, 5, On(8) ? 3 : 1) with
                    {
                        PerPositionB = On(0),
                        PerPositionC = On(1),
                        Softplus = On(2),
                        Reverse = On(3),
                        ReturnStates = states,
                    };
                    using var single = new ScanHarness<float>(shape, z: On(4), d: On(5), bias: On(6), h0: On(7), last: On(7), packed: On(5) ^ On(3), seed: mask, pad: 3);
                    single.Run(new KernelOptions(1, Widths[pair % 3]));
                    single.AssertClose($"options {mask:b10}, {Widths[pair % 3]} bits");
                    using var full = new ScanHarness<double>(shape, z: On(4), d: On(5), bias: On(6), h0: On(7), last: On(7), packed: On(5) ^ On(3), seed: mask);
                    full.Run(new KernelOptions(1, Widths[(pair + 1) % 3]));
                    full.AssertClose($"double, options {mask:b10}");
                }
            }
        }
    }

    [Theory]
    [InlineData(1, 5000, 8, 16, 1)]
    [InlineData(2, 4100, 3, 5, 1)]
    [InlineData(1, 300, 64, 16, 1)]
    [InlineData(3, 130, 96, 16, 1)]
    [InlineData(1, 200, 1539, 16, 1)]
    [InlineData(40, 9, 33, 4, 3)]
    [InlineData(1, 9000, 1, 20, 1)]
    [InlineData(2, 200, 6, 20, 2)]
    [InlineData(2, 200, 1539, 1, 1)]
    [InlineData(300, 1, 33, 4, 3)]
    public void Threads_never_change_a_bit(long batch, long length, int channels, int states, int groups)
    {
        foreach (bool packed in new[] { false, true })
        {
            foreach (int bits in Widths)
            {
                using var harness = new ScanHarness<float>(Shape(batch, length, channels, states, groups), h0: length > 1, last: length > 1, packed: packed);
                harness.Run(new KernelOptions(1, bits));
                Dictionary<string, float[]> one = harness.Snapshot();
                foreach (int threads in new[] { 2, 5 })
                {
                    harness.Run(new KernelOptions(threads, bits));
                    foreach (var (name, values) in harness.Snapshot())
                    {
                        Assert.True(values.AsSpan().SequenceEqual(one[name]) || !one[name].Any(float.IsFinite), $"{name} at {threads} threads, {bits} bits");
                    }
                }

                harness.AssertClose($"packed {packed}, {bits} bits");
            }
        }
    }

    [Fact]
    public void Gradients_that_nobody_wants_change_no_other()
    {
        foreach (SelectiveScanShape shape in new[] { Shape(3, 1, 11, 4), Shape(2, 70, 11, 4), Shape(2, 70, 2, 9) })
        {
            using var harness = new ScanHarness<float>(shape, h0: false, last: false);
            harness.Run(new KernelOptions(1, 256));
            var all = harness.Snapshot();
            unsafe
            {
                harness.Gradients.U = null;
                harness.Gradients.Z = null;
                harness.Gradients.D = null;
                harness.Gradients.B = null;
            }

            harness.Run(new KernelOptions(1, 256));
            var some = harness.Snapshot();
            foreach (string name in new[] { "out", "ddelta", "dA", "dC", "dbias" })
            {
                Assert.True(some[name].AsSpan().SequenceEqual(all[name]), $"{name}, L {shape.Length}, D {shape.Channels}");
            }

            Assert.All(some["du"], value => Assert.True(float.IsNaN(value)));
        }
    }

    [Fact]
    public void Batch_mates_never_change_a_bit()
    {
        using var alone = new ScanHarness<float>(Shape(1, 100, 19, 16), h0: false, last: false);
        using var together = new ScanHarness<float>(Shape(20, 100, 19, 16), h0: false, last: false, seed: 2);
        unsafe
        {
            // The last entry of the batch is given the inputs of the scan that runs alone.
            long row = 19, at = 19 * 100;
            void Copy(float* from, float* to, long elements) => new Span<float>(from, (int)elements).CopyTo(new Span<float>(to, (int)elements));
            Copy(alone.Inputs.U, together.Inputs.U + at * row, 100 * row);
            Copy(alone.Inputs.Delta, together.Inputs.Delta + at * row, 100 * row);
            Copy(alone.Inputs.Z, together.Inputs.Z + at * row, 100 * row);
            Copy(alone.Inputs.B, together.Inputs.B + at * 16, 1600);
            Copy(alone.Inputs.C, together.Inputs.C + at * 16, 1600);
            Copy(alone.Gradients.Out, together.Gradients.Out + at * row, 100 * row);
            Copy(alone.Inputs.A, together.Inputs.A, 19 * 16);
            Copy(alone.Inputs.D, together.Inputs.D, 19);
            Copy(alone.Inputs.DeltaBias, together.Inputs.DeltaBias, 19);
        }

        alone.Run(new KernelOptions(1, 256));
        together.Run(new KernelOptions(2, 256));
        var one = alone.Snapshot();
        var all = together.Snapshot();
        foreach (string name in new[] { "out", "du", "ddelta", "dz", "dB", "dC" })
        {
            Assert.True(all[name].AsSpan(all[name].Length - one[name].Length).SequenceEqual(one[name]), name);
        }
    }

    [Fact]
    public void Gradients_agree_with_central_differences()
    {
        SelectiveScanShape shape = Shape(1, 5, 3, 2);
        using var harness = new ScanHarness<double>(shape, packed: true);
        harness.Run(new KernelOptions(1, 256));
        Dictionary<string, double[]> analytic = harness.Snapshot();
        unsafe
        {
            double Objective()
            {
                SelectiveScan.Forward(shape, harness.Inputs, harness.Outputs, new KernelOptions(1, 256));
                double sum = 0;
                for (int i = 0; i < 15; i++) sum += harness.Outputs.Out[i] * harness.Gradients.Out[i];
                for (int i = 0; i < 6; i++) sum += harness.Outputs.LastState[i] * harness.Gradients.LastState[i];
                return sum;
            }

            void Check(string name, double* input, int count)
            {
                for (int i = 0; i < count; i++)
                {
                    double keep = input[i];
                    input[i] = keep + 1e-5;
                    double up = Objective();
                    input[i] = keep - 1e-5;
                    double down = Objective();
                    input[i] = keep;
                    Assert.Equal((up - down) / 2e-5, analytic[name][i], 1e-7);
                }
            }

            Check("du", harness.Inputs.U, 15);
            Check("ddelta", harness.Inputs.Delta, 15);
            Check("dA", harness.Inputs.A, 6);
            Check("dB", harness.Inputs.B, 10);
            Check("dC", harness.Inputs.C, 10);
            Check("dz", harness.Inputs.Z, 15);
            Check("dD", harness.Inputs.D, 3);
            Check("dbias", harness.Inputs.DeltaBias, 3);
            Check("dh0", harness.Inputs.InitialState, 6);
        }
    }

    [Theory]
    [InlineData(-1, 1, 1, 1, 1, "batch -1")]
    [InlineData(1, 1, 0, 1, 1, "0 channels")]
    [InlineData(1, 1, 1, 257, 1, "state size of 257")]
    [InlineData(1, 1, 4, 1, 3, "3 groups")]
    public void Impossible_shapes_are_refused_with_a_sentence(long batch, long length, int channels, int states, int groups, string says)
    {
        var error = Assert.Throws<ArgumentException>(() => Shape(batch, length, channels, states, groups).Validate());
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public void Workspace_stays_small()
    {
        SelectiveScanShape shape = Shape(1, 2048, 1536, 16);
        using var harness = new ScanHarness<float>(shape, h0: false, last: false);
        long inputs = 4L * (3 * 2048 * 1536 + 2 * 2048 * 16 + 1536 * 18);
        foreach (int bits in Widths)
        {
            var options = new KernelOptions(2, bits);
            Assert.True(SelectiveScan.CheckpointElements<float>(shape, options) * 4 <= 4L * 2048 * 1536);
            unsafe
            {
                harness.Outputs.Checkpoints = null;
                SelectiveScan.Forward(shape, harness.Inputs, harness.Outputs, options);
            }

            Assert.InRange(Workspace.LastBytes, 1, inputs / 50 + (1 << 20));
            harness.Run(options);
            Assert.InRange(Workspace.LastBytes, 1, inputs / 4);
        }
    }
}
