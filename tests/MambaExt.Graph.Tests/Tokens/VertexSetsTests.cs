using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Tests.Tokens;

public class VertexSetsTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(7, 3)]
    [InlineData(8, 1000)]
    [InlineData(9, 0)]
    [InlineData(17, 20)]
    [InlineData(128, int.MaxValue - 1)]
    [InlineData(129, 0)]
    [InlineData(129, 255)]
    [InlineData(300, 256)]
    [InlineData(1000, 70_000)]
    [InlineData(1000, int.MaxValue - 1)]
    public unsafe void Lists_of_any_length_become_ascending_sets(int count, int largest)
    {
        var random = new Random(count);
        for (int round = 0; round < 20; round++)
        {
            int[] given = [.. Enumerable.Range(0, count).Select(_ => (int)random.NextInt64(largest + 1L))];
            int[] values = [.. given, .. new int[VertexSets.Padding]], spare = new int[count];
            int unique;
            fixed (int* value = values, other = spare)
            {
                unique = VertexSets.SortUnique(value, count, largest, other);
            }

            Assert.Equal(given.Distinct().Order(), values[..unique]);
        }
    }
}
