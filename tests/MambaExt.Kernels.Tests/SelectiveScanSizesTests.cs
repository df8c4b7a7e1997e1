namespace MambaExt.Kernels.Tests;

/// <summary>The kernel equals the double-precision loop at sizes around every vector, block, chunk and path of its own.</summary>
public class SelectiveScanSizesTests
{
    private static SelectiveScanShape Shape(long batch, long length, int channels, int states, int groups = 1) =>
        new() { Batch = batch, Length = length, Channels = channels, States = states, Groups = groups, Softplus = true };

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(64)]
    [InlineData(96)]
    [InlineData(1539)]
    public void Scan_at_every_channel_count_equals_the_reference(int channels)
    {
        foreach (int states in channels > 1000 ? new[] { 3, 16 } : [1, 3, 16, 17])
        {
            using var harness = new ScanHarness<float>(Shape(2, channels > 1000 ? 65 : 70, channels, states));
            foreach (int bits in SelectiveScanTests.Widths)
            {
                harness.Run(new KernelOptions(1, bits));
                harness.AssertClose($"D {channels}, N {states}, {bits} bits");
            }
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(256)]
    public void Scan_at_large_state_sizes_equals_the_reference(int states)
    {
        using var harness = new ScanHarness<float>(Shape(1, 300, 17, states));
        foreach (int bits in SelectiveScanTests.Widths)
        {
            harness.Run(new KernelOptions(1, bits));
            harness.AssertClose($"N {states}, {bits} bits");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    [InlineData(4097)]
    [InlineData(9000)]
    public void Scan_at_every_length_equals_the_reference(long length)
    {
        foreach (bool reverse in new[] { false, true })
        {
            using var harness = new ScanHarness<float>(Shape(1, length, 9, 16) with { Reverse = reverse });
            using var exact = new ScanHarness<double>(Shape(1, length, 5, 3) with { Reverse = reverse }, packed: true);
            foreach (int bits in SelectiveScanTests.Widths)
            {
                harness.Run(new KernelOptions(2, bits));
                harness.AssertClose($"L {length}, reverse {reverse}, {bits} bits");
                exact.Run(new KernelOptions(2, bits));
                exact.AssertClose($"double, L {length}, reverse {reverse}, {bits} bits");
            }
        }
    }

    [Theory]
    [InlineData(50, 1, false)]
    [InlineData(50, 5, false)]
    [InlineData(50, 5, true)]
    [InlineData(13, 17, false)]
    [InlineData(3, 31, true)]
    public void Short_sequences_that_share_a_chunk_equal_the_reference(long batch, long length, bool packed)
    {
        foreach (bool reverse in new[] { false, true })
        {
            foreach (int states in new[] { 1, 4 })
            {
                foreach (bool returnStates in new[] { false, true })
                {
                    using var harness = new ScanHarness<float>(Shape(batch, length, 11, states) with { Reverse = reverse, ReturnStates = returnStates }, h0: false, last: false, packed: packed);
                    foreach (int bits in SelectiveScanTests.Widths)
                    {
                        harness.Run(new KernelOptions(2, bits));
                        harness.AssertClose($"B {batch}, L {length}, N {states}, reverse {reverse}, states {returnStates}, {bits} bits");
                    }
                }
            }
        }
    }

    /// <summary>Where a kernel of its own takes over: few channels (states as lanes), one or two states, sequences of one or two positions.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(65)]
    public void Every_small_size_equals_the_reference(long length)
    {
        const int Options = 9;
        var random = new Random((int)length);
        foreach (int channels in new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17 })
        {
            foreach (int states in new[] { 1, 2, 3, 8, 9, 16, 17 })
            {
                int mask = random.Next(1 << Options);
                bool On(int k) => (mask >> k & 1) != 0;
                int[] groupings = [.. Enumerable.Range(1, channels).Where(g => channels % g == 0)];
                SelectiveScanShape shape = Shape(3, length, channels, states, groupings[random.Next(groupings.Length)]) with
                {
                    // Single positions have a path of their own only with both.
                    PerPositionB = On(0) || length == 1,
                    PerPositionC = On(1) || length == 1,
                    Softplus = On(2),
                    Reverse = On(3),
                    ReturnStates = length > 1 && random.Next(6) == 0,
                };
                bool h0 = On(7) && On(8), last = On(7) && !On(8);
                int bits = SelectiveScanTests.Widths[random.Next(3)];
                string what = $"D {channels}, N {states}, G {shape.Groups}, options {mask:b9}, states {shape.ReturnStates}, {bits} bits";
                using var single = new ScanHarness<float>(shape, z: On(4), d: On(5), bias: On(6), h0: h0, last: last, packed: On(5), seed: mask, pad: 3);
                single.Run(new KernelOptions(2, bits));
                single.AssertClose(what);
                using var full = new ScanHarness<double>(shape, z: On(4), d: On(5), bias: On(6), h0: h0, last: last, packed: On(5), seed: mask);
                full.Run(new KernelOptions(1, bits));
                full.AssertClose("double, " + what);
            }
        }
    }

    [Theory]
    [InlineData(1, 5000, 1, 64)]
    [InlineData(1, 9000, 1, 5)]
    [InlineData(2, 4500, 3, 17)]
    [InlineData(1, 300, 5, 256)]
    public void Few_channels_of_a_long_sequence_equal_the_reference(long batch, long length, int channels, int states)
    {
        foreach (bool packed in new[] { false, true })
        {
            using var harness = new ScanHarness<float>(Shape(batch, length, channels, states), packed: packed);
            using var exact = new ScanHarness<double>(Shape(batch, length, channels, states) with { PerPositionB = false, PerPositionC = packed, Reverse = true }, packed: packed);
            foreach (int bits in SelectiveScanTests.Widths)
            {
                harness.Run(new KernelOptions(2, bits));
                harness.AssertClose($"L {length}, D {channels}, N {states}, packed {packed}, {bits} bits");
                exact.Run(new KernelOptions(2, bits));
                exact.AssertClose($"double, L {length}, D {channels}, N {states}, packed {packed}, {bits} bits");
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(200)]
    public void Single_positions_keep_no_checkpoints_and_equal_the_reference(long batch)
    {
        foreach (int groups in new[] { 1, 3 })
        {
            SelectiveScanShape shape = Shape(batch, 1, 57, 19, groups) with { Stateless = true };
            Assert.Equal(0, SelectiveScan.CheckpointElements<float>(shape, new KernelOptions(1, 256)));
            using var harness = new ScanHarness<float>(shape, h0: false, last: false, pad: 2);
            foreach (int bits in SelectiveScanTests.Widths)
            {
                harness.Run(new KernelOptions(2, bits));
                harness.AssertClose($"B {batch}, G {groups}, {bits} bits");
                Assert.All(harness.Snapshot()["dA"], value => Assert.Equal(0, value));
            }
        }
    }
}
