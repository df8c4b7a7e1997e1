using MambaExt.Tests.Shared;
using MambaExt.Training;

namespace MambaExt.Tests.Training;

public sealed class ShuffledBatchesTests
{
    [Theory]
    [InlineData(20, 6, false, new[] { 6, 6, 6, 2 })]
    [InlineData(20, 6, true, new[] { 6, 6, 6 })]
    [InlineData(18, 6, true, new[] { 6, 6, 6 })]
    [InlineData(1, 6, false, new[] { 1 })]
    [InlineData(5, 1, false, new[] { 1, 1, 1, 1, 1 })]
    public void Each_sample_comes_once_an_epoch(int samples, int size, bool dropLast, int[] sizes)
    {
        ShuffledBatches<int[]> batches = Of(samples, size, dropLast: dropLast);
        Assert.Equal(sizes.Length, batches.Count);
        for (int epoch = 1; epoch < 4; epoch++)
        {
            int[][] read = [.. batches.Read(epoch, 0, default)];
            Assert.Equal(sizes, read.Select(b => b.Length));
            int[] all = [.. read.SelectMany(b => b)];
            Assert.Equal(all.Length, all.Distinct().Count());
            Assert.All(all, i => Assert.InRange(i, 0, samples - 1));
        }
    }

    [Fact]
    public void The_order_belongs_to_seed_and_epoch_alone()
    {
        int[] first = Flat(Of(50, 7), 3);
        TorchSharp.torch.manual_seed(99);
        Assert.Equal(first, Flat(Of(50, 7), 3));
        Assert.Equal(first, Flat(Of(50, 11, ahead: 0), 3));
        Assert.NotEqual(first, Flat(Of(50, 7), 4));
        Assert.NotEqual(first, Flat(Of(50, 7, seed: 2), 3));
        Assert.NotEqual(Enumerable.Range(0, 50), first);
        Assert.Equal(Enumerable.Range(0, 50), Flat(Of(50, 7, shuffle: false), 3));
    }

    [Fact]
    public void First_skips_batches_that_are_not_even_made()
    {
        List<int> made = [];
        var batches = new ShuffledBatches<int[]>(20, 6, 1, (_, samples) =>
        {
            made.Add(samples.Length);
            return samples.ToArray();
        });
        int[][] all = [.. batches.Read(2, 0, default)];
        for (int first = 0; first <= 4; first++)
        {
            made.Clear();
            Assert.Equal(all.Skip(first), batches.Read(2, first, default));
            Assert.Equal(4 - first, made.Count);
        }
    }

    [Fact]
    public void A_batch_is_made_for_its_epoch_and_disposed_after_its_step()
    {
        List<Disposable> made = [];
        var batches = new ShuffledBatches<Disposable>(9, 3, 1, (epoch, _) =>
        {
            made.Add(new Disposable(epoch));
            return made[^1];
        });
        foreach (Disposable batch in batches.Read(5, 0, default))
        {
            Assert.Equal((5, false), (batch.Epoch, batch.Gone));
        }

        Assert.Equal([true, true, true], made.Select(m => m.Gone));
        foreach (Disposable _ in batches.Read(6, 0, default))
        {
            break;
        }

        Assert.All(made, m => Assert.True(m.Gone));
    }

    [Fact]
    public void Sizes_that_make_no_batch_are_refused()
    {
        Refusal.Of<ArgumentException>(() => Of(0, 3), "0 training samples", "1 or more");
        Refusal.Of<ArgumentException>(() => Of(3, 0), "batches of 0", "1 or more");
        Refusal.Of<ArgumentException>(() => Of(3, 4, dropLast: true), "3 training samples", "smaller batch");
    }

    private static ShuffledBatches<int[]> Of(int samples, int size, ulong seed = 1, bool shuffle = true, int ahead = 2, bool dropLast = false) =>
        new(samples, size, seed, (_, chosen) => chosen.ToArray(), shuffle, ahead, dropLast);

    private static int[] Flat(ShuffledBatches<int[]> batches, int epoch) => [.. batches.Read(epoch, 0, default).SelectMany(b => b)];

    private sealed class Disposable(int epoch) : IDisposable
    {
        public int Epoch => epoch;

        public bool Gone { get; private set; }

        public void Dispose() => Gone = true;
    }
}
