using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using MambaExt.Sparse;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Graphs;

public class SparseMatrixTests
{
    private static SparseMatrix Example() => new(3, 4, [0, 2, 2, 4], [3, 1, 0, 3], [1, 2, -4, 12]);

    [Fact]
    public void Dense_form_has_every_entry_in_place() => Assert.Equal([0, 2, 0, 1, 0, 0, 0, 0, -4, 0, 0, 12], Example().ToDense());

    [Fact]
    public void Tensor_form_multiplies_as_the_dense_form()
    {
        using CsrMatrix matrix = Example().ToCsrMatrix();
        using Tensor x = tensor(new float[] { 1, 2, 3, 4 }).reshape(4, 1), product = matrix.Multiply(x);
        Assert.Equal([8, 0, 44], product.data<float>().ToArray());
    }

    [Fact]
    public void Normalised_rows_sum_to_one_in_absolute_value() =>
        Assert.Equal([1 / 3f, 2 / 3f, -0.25f, 0.75f], Example().RowNormalised().Values);

    [Fact]
    public void Inconsistent_parts_are_refused_in_one_sentence()
    {
        OneSentence.Of<ArgumentException>(() => _ = new SparseMatrix(2, 2, [0, 1], [0], [1]), "2 x 2", "3 offsets");
        OneSentence.Of<ArgumentException>(() => _ = new SparseMatrix(1, 2, [0, 2], [0], [1]), "0 to 2");
        OneSentence.Of<ArgumentException>(() => _ = new SparseMatrix(2, 2, [0, 2, 1], [0], [1]), "never fall");
        OneSentence.Of<ArgumentException>(() => _ = new SparseMatrix(1, 2, [0, 1], [2], [1]), "column 2", "0 to 1");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Neighbour_weights_are_the_dense_formulas(bool selfLoops)
    {
        CsrGraph graph = TestGraphs.Random(20, 30, seed: 3);
        int n = graph.VertexCount;
        double A(int i, int j) => graph.HasEdge(i, j) || (selfLoops && i == j) ? 1 : 0;
        double D(int i) => Enumerable.Range(0, n).Sum(j => A(i, j));
        float[] gcn = NeighbourWeights.Gcn(graph, selfLoops).ToDense(), mean = NeighbourWeights.Mean(graph, selfLoops).ToDense(), sum = NeighbourWeights.Sum(graph, selfLoops).ToDense();
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double a = A(i, j);
                Assert.Equal(a == 0 ? 0 : a / Math.Sqrt(D(i) * D(j)), gcn[i * n + j], 1e-7);
                Assert.Equal(a == 0 ? 0 : a / D(i), mean[i * n + j], 1e-7);
                Assert.Equal(a, sum[i * n + j]);
            }
        }
    }

    [Fact]
    public void Rows_with_self_loops_stay_ascending()
    {
        SparseMatrix weights = NeighbourWeights.Gcn(TestGraphs.Random(30, 60, seed: 4));
        for (int r = 0; r < weights.Rows; r++)
        {
            int[] row = weights.Indices[(int)weights.Offsets[r]..(int)weights.Offsets[r + 1]];
            Assert.Contains(r, row);
            Assert.Equal(row.Order().Distinct(), row);
        }
    }
}
