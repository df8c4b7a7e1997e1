using MambaExt.Vision;

namespace MambaExt.Tests.Vision;

public sealed class ScanOrderTests
{
    [Fact]
    public void The_four_orders_of_a_map_of_2_by_3()
    {
        IReadOnlyList<ScanOrder> orders = ScanOrder.FourDirections(2, 3);
        Assert.Equal([0L, 1, 2, 3, 4, 5], orders[0].Index);
        Assert.Equal([5L, 4, 3, 2, 1, 0], orders[1].Index);
        Assert.Equal([0L, 3, 1, 4, 2, 5], orders[2].Index);
        Assert.Equal([5L, 2, 4, 1, 3, 0], orders[3].Index);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 7)]
    [InlineData(5, 5)]
    [InlineData(4, 9)]
    public void Each_inverse_undoes_its_order(int height, int width)
    {
        foreach (ScanOrder order in ScanOrder.FourDirections(height, width))
        {
            Assert.Equal(height * width, order.Length);
            for (int step = 0; step < order.Length; step++)
            {
                Assert.Equal(step, order.Inverse[(int)order.Index[step]]);
            }
        }
    }

    [Fact]
    public void A_map_without_cells_has_no_order()
    {
        string message = Assert.Throws<ArgumentException>(() => ScanOrder.RowMajor(0, 3)).Message;
        Assert.Contains("0 x 3", message, StringComparison.Ordinal);
    }
}
