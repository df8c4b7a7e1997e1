namespace MambaExt.Tests;

public class CounterRandomTests
{
    /// <summary>Known answers published with the paper's own library (Random123, kat_vectors, philox4x32 10).</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0xa4093822u, 0x299f31d0u, 0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_gives_the_published_answers(uint k0, uint k1, uint c0, uint c1, uint c2, uint c3, uint r0, uint r1, uint r2, uint r3) =>
        Assert.Equal((r0, r1, r2, r3), CounterRandom.Block(((ulong)k1 << 32) | k0, c0, c1, c2, c3));

    [Fact]
    public void Streams_share_no_numbers()
    {
        var seen = new HashSet<ulong>();
        foreach (RandomStream stream in Enum.GetValues<RandomStream>())
        {
            for (int key = 0; key < 1000; key++)
            {
                Assert.True(seen.Add(CounterRandom.ForKey(5, stream, key)));
            }
        }
    }
}
