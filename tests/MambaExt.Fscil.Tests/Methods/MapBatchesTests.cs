using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Tests.Shared;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Methods;

public sealed class MapBatchesTests : TensorTests
{
    // 7 maps whose one value says which it is; the second view has 100 added.
    private static readonly int[] Classes = [0, 0, 1, 1, 2, 2, 2];

    [Fact]
    public void A_pass_takes_whole_batches_of_its_rows_in_an_order_of_its_own_and_the_next_view()
    {
        (double Value, long Class)[][] batches = Read([0, 1, 2, 3, 4, 5, 6, 6], size: 3, steps: 8, seed: 5, draw: 0);
        Assert.All(batches, b => Assert.Equal(3, b.Length));
        Assert.All(batches.SelectMany(b => b), m => Assert.Equal(Classes[(int)m.Value % 100], m.Class));
        for (int pass = 0; pass < 4; pass++)
        {
            // Two whole batches of eight rows: six of them, none more often than it is among the rows.
            double[] own = [.. batches[(2 * pass)..(2 * pass + 2)].SelectMany(b => b).Select(m => m.Value)];
            Assert.All(own, v => Assert.Equal(pass % 2, (int)v / 100));
            Assert.All(own.GroupBy(v => v % 100), g => Assert.InRange(g.Count(), 1, g.Key == 6 ? 2 : 1));
        }

        double[][] orders = [.. Enumerable.Range(0, 4).Select(pass => batches[(2 * pass)..(2 * pass + 2)].SelectMany(b => b).Select(m => m.Value % 100).ToArray())];
        Assert.Equal(4, orders.Select(o => string.Join(' ', o)).Distinct().Count());
        Assert.Equal(7, orders.SelectMany(o => o).Distinct().Count());
    }

    [Fact]
    public void Orders_belong_to_seed_session_and_step_alone()
    {
        string Text((double Value, long Class)[][] batches) => string.Join(" | ", batches.Select(b => string.Join(' ', b.Select(m => m.Value))));
        int[] rows = [.. Enumerable.Range(0, 7)];
        string whole = Text(Read(rows, 3, 6, 5, 0));
        Assert.Equal(whole, Text(Read(rows, 3, 6, 5, 0)));
        Assert.NotEqual(whole, Text(Read(rows, 3, 6, 6, 0)));
        Assert.NotEqual(whole, Text(Read(rows, 3, 6, 5, 1)));

        // From the middle of a pass on they are what they were.
        Assert.EndsWith(Text(Read(rows, 3, 6, 5, 0, first: 3)), whole, StringComparison.Ordinal);
        Assert.Equal(3, Read(rows, 3, 6, 5, 0, first: 3).Length);
    }

    [Fact]
    public void Fewer_rows_than_a_batch_are_a_batch()
    {
        (double Value, long Class)[][] batches = Read([2, 4], size: 64, steps: 3, seed: 5, draw: 2);
        Assert.Equal(3, batches.Length);
        Assert.All(batches, b => Assert.Equal([2.0, 4.0], b.Select(m => m.Value % 100).Order()));
    }

    private static (double Value, long Class)[][] Read(int[] rows, int size, int steps, ulong seed, int draw, int first = 0)
    {
        Tensor maps = arange(7, ScalarType.Float32).reshape(7, 1, 1, 1);
        var batches = new MapBatches([new MapSet(maps, Classes), new MapSet(maps + 100, Classes)], rows, size, steps, seed, draw);
        Assert.Equal(steps, batches.Count);
        var read = new List<(double, long)[]>();
        foreach (MapBatch batch in batches.Read(1, first, default))
        {
            using (batch)
            {
                read.Add([.. batch.Maps.flatten().data<float>().Zip(batch.Labels.data<long>(), (v, k) => ((double)v, k))]);
            }
        }

        return [.. read];
    }
}
