using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using MambaExt.Tests.Shared;

namespace MambaExt.Graph.Tests.DataSets;

public class MinesweeperGridTests
{
    [Fact]
    public void Counts_are_those_of_the_definition()
    {
        NodeDataSet data = GraphDataSets.Load("minesweeper-grid");
        Assert.Equal((10_000, 39_402L), (data.Graph.VertexCount, data.Graph.EdgeCount));
        Assert.Equal(9_604, Enumerable.Range(0, 10_000).Count(v => data.Graph.Degree(v) == 8));
        Assert.Equal(2_000, data.Labels.Count(y => y == 1));
        Assert.Equal(8_000, data.Labels.Count(y => y == 0));
        Assert.Equal(5_000, Enumerable.Range(0, 10_000).Count(v => data.Features.Dense![7 * v] == 1));
        Assert.Equal((2, NodeMetric.RocAuc, DataVariant.Drawn, 10), (data.ClassCount, data.Metric, data.Variant, data.Splits.Count));
        Assert.All(data.Splits, split => Assert.Equal((5_000, 2_500, 2_500), (split.Train.Length, split.Validation.Length, split.Test.Length)));
        Assert.Equal(10, data.Splits.Select(split => split.Train[0] + 10_001L * split.Test[100]).Distinct().Count());
    }

    [Fact]
    public void Edges_are_the_moves_of_a_king()
    {
        CsrGraph graph = MinesweeperGrid.Draw(rows: 5, columns: 7).Graph;
        for (int a = 0; a < 35; a++)
        {
            for (int b = 0; b < 35; b++)
            {
                bool near = a != b && Math.Abs(a / 7 - b / 7) <= 1 && Math.Abs(a % 7 - b % 7) <= 1;
                Assert.Equal(near, graph.HasEdge(a, b));
            }
        }
    }

    [Fact]
    public void Features_count_the_mines_around()
    {
        // A sixth neighbouring mine is rare among 10,000 vertices: take the seed of a field that has one.
        NodeDataSet data = Enumerable.Range(0, 50).Select(seed => MinesweeperGrid.Draw((ulong)seed)).First(HasSix);
        CheckFeatures(data, row => (row / 100, row % 100), 100, 100);

        static bool HasSix(NodeDataSet data) => Enumerable.Range(0, 10_000).Any(v =>
            data.Features.Dense![7 * v] == 0 && data.Graph.Neighbours(v).ToArray().Count(w => data.Labels[w] == 1) >= 6);
    }

    [Fact]
    public void Published_file_has_the_same_features()
    {
        NodeDataSet data = GraphDataSets.Load("minesweeper", SharedData.Require("data", "graph"));
        for (int v = 0; v < 10_000; v++)
        {
            CheckRow(data, v, data.Graph.Neighbours(v).ToArray().Count(w => data.Labels[w] == 1));
        }
    }

    [Fact]
    public void Same_seed_draws_the_same_field_and_another_seed_another()
    {
        NodeDataSet first = MinesweeperGrid.Draw(4), again = MinesweeperGrid.Draw(4), other = MinesweeperGrid.Draw(5);
        Assert.Equal(first.Labels, again.Labels);
        Assert.Equal(first.Features.Dense, again.Features.Dense);
        Assert.Equal(first.Splits[3].Test, again.Splits[3].Test);
        Assert.NotEqual(first.Labels, other.Labels);
        Assert.NotEqual(first.Splits[0].Test, other.Splits[0].Test);
    }

    [Fact]
    public void Field_of_the_default_seed_is_that_of_every_machine()
    {
        // Computed outside of this library from the definition; a change makes published results of this data set incomparable.
        NodeDataSet data = MinesweeperGrid.Draw();
        string first = string.Join(" ", [
            .. Enumerable.Range(0, 10_000).Where(v => data.Labels[v] == 1).Take(5),
            .. Enumerable.Range(0, 10_000).Where(v => data.Features.Dense![7 * v] == 1).Take(5),
            .. data.Splits[9].Test.Take(5)]);
        Assert.Equal("5 12 13 22 34 3 6 7 9 12 3 12 15 19 20", first);
    }

    [Fact]
    public void Field_without_room_is_refused() =>
        OneSentence.Of<ArgumentException>(() => MinesweeperGrid.Draw(rows: 2), "2 x 100", "3 or more");

    private static void CheckFeatures(NodeDataSet data, Func<int, (int Row, int Column)> place, int rows, int columns)
    {
        for (int v = 0; v < rows * columns; v++)
        {
            (int row, int column) = place(v);
            int mines = 0;
            for (int r = Math.Max(row - 1, 0); r <= Math.Min(row + 1, rows - 1); r++)
            {
                for (int c = Math.Max(column - 1, 0); c <= Math.Min(column + 1, columns - 1); c++)
                {
                    mines += (r, c) != (row, column) ? data.Labels[r * columns + c] : 0;
                }
            }

            CheckRow(data, v, mines);
        }
    }

    private static void CheckRow(NodeDataSet data, int v, int mines)
    {
        float[] features = data.Features.Dense![(7 * v)..(7 * v + 7)];
        var expected = new float[7];
        expected[features[0] == 1 ? 0 : mines switch { 0 => 1, 1 => 2, 2 => 3, 3 => 4, 4 => 5, _ => 6 }] = 1;
        Assert.Equal(expected, features);
    }
}
