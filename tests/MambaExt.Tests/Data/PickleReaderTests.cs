using System.Text;
using MambaExt.Data;
using Xunit;

namespace MambaExt.Tests.Data;

public sealed class PickleReaderTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Read_of_every_protocol_gives_the_same_objects(int protocol)
    {
        Dictionary<object, object?> read = Assert.IsType<Dictionary<object, object?>>(PickleReader.Read(PickleSamples.Of(protocol)));

        Assert.Equal([1L, -2L, 300L, 70000L, 1L << 40, -(1L << 40), 2.5, null, true, false], Assert.IsType<List<object?>>(read["list"]));
        Assert.Equal("é€\n\\", read["text"]);
        Assert.Equal(new byte[] { 0xFF, 0 }, read["bytes"]);
        object?[] tuples = Assert.IsType<object?[]>(read["tuple"]);
        Assert.Equal([0, 1, 2, 3, 4], tuples.Select(tuple => ((object?[])tuple!).Length));
        Assert.Equal([5L], Assert.IsType<HashSet<object>>(read["set"]));
        Assert.Equal([6L], Assert.IsType<HashSet<object>>(read["frozen"]));
        Assert.Equal([1L], Assert.IsType<List<object?>>(Assert.IsType<Dictionary<object, object?>>(read["dd"])[3L]));
        NpyArray array = Assert.IsType<NpyArray>(read["array"]);
        Assert.Equal([2, 2], array.Shape.ToArray());
        Assert.Equal([1, 2, 3, 4], array.ToInts());
        Assert.Equal(7.5, read["scalar"]);
        Assert.Equal(["a", null], Assert.IsType<NpyArray>(read["objects"]).Objects);
        SparseCsr csr = Assert.IsType<SparseCsr>(read["csr"]);
        Assert.Equal((2, 3), csr.Shape);
        Assert.Equal([0, 2, 1], csr.Indices);
        Assert.Equal([0, 2, 3], csr.IndPtr);
        Assert.Equal([1.0, 2.0, 3.0], csr.Data.ToDoubles());
    }

    [Theory]
    [InlineData("\u0080\u0002cposix\nsystem\nq\u0000X\u0004\u0000\u0000\u0000trueq\u0001\u0085q\u0002Rq\u0003.", "'posix system'")]
    [InlineData("\u0080\u0004\u008c\u0005posix\u008c\u0006system\u0093\u008c\u0004true\u0085R.", "'posix system'")]
    [InlineData("c__builtin__\neval\n(S'1'\ntR.", "'__builtin__ eval'")]
    [InlineData("cnumpy\nload\n.", "'numpy load'")]
    [InlineData("(i__main__\nX\n.", "opcode 0x69")]
    [InlineData("Pid\n.", "opcode 0x50")]
    [InlineData("\u0080\u0005.", "protocol 5")]
    [InlineData("c_codecs\nencode\n(X\u0002\u0000\u0000\u0000aaX\u0003\u0000\u0000\u0000hextR.", "a call of _codecs encode")]
    [InlineData("B\u00FF\u00FF\u00FF\u007F.", "an item of 2147483647 bytes")]
    [InlineData("\u008e\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF.", "an item of 18446744073709551615 bytes")]
    [InlineData("\u008a\u0009\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0001.", "an integer of 9 bytes")]
    [InlineData("j\u0001\u0000\u0000\u0000.", "memo index 1")]
    [InlineData("Nr\u00FF\u00FF\u00FF\u00FF.", "memo index 4294967295")]
    [InlineData("}]N s.", "opcode 0x20")]
    [InlineData("}]Ns.", "a List`1 as a key")]
    [InlineData("N0.", "more than there is on the stack")]
    [InlineData("NN", "an item of 1 bytes")]
    [InlineData("N.N", "after the end")]
    [InlineData("t.", "needs a mark")]
    [InlineData("cnumpy\ndtype\n(S'V8'\nI0\nI1\ntR.", "dtype 'V8'")]
    [InlineData("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR.", "without content")]
    [InlineData("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I1000000000\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntRI00\nS'1'\ntb.", "1 bytes for shape (1000000000) of <f8")]
    public void Read_of_what_is_not_allowed_names_it(string latin1, string expected)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => PickleReader.Read(Encoding.Latin1.GetBytes(latin1), "data.pkl"));

        Assert.StartsWith("data.pkl, offset ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_of_python_2_strings_is_latin_1() =>
        Assert.Equal("é", PickleReader.Read(new byte[] { 0x80, 2, (byte)'U', 1, 0xE9, (byte)'.' }));

    [Fact]
    public void Read_of_deep_nesting_ends_at_a_limit() =>
        Assert.Contains("1000 deep", Assert.Throws<InvalidDataException>(() => PickleReader.Read(Encoding.Latin1.GetBytes(new string('(', 5000)))).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_of_one_large_text_copied_many_times_ends_at_a_limit()
    {
        // A text of 1 MB goes into the memo and is then encoded 4,000 times at a few bytes each.
        StringBuilder pickle = new("c_codecs\nencode\np0\n(V" + new string('a', 1 << 20) + "\nVlatin1\ntp1\n");
        for (int i = 0; i < 4000; i++)
        {
            pickle.Append("g0\ng1\nR");
        }

        Assert.Contains("bytes of memory", Assert.Throws<InvalidDataException>(() => PickleReader.Read(Encoding.Latin1.GetBytes(pickle + "."))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_of_many_integer_keys_that_hash_alike_in_net_is_not_quadratic()
    {
        // .NET hashes a long to the exclusive or of its halves; these all give 0. Quadratic, this would take minutes.
        using MemoryStream pickle = new();
        pickle.Write("}("u8);
        for (uint i = 1; i <= 200_000; i++)
        {
            pickle.Write([0x8A, 8, .. BitConverter.GetBytes(i), .. BitConverter.GetBytes(i), (byte)'N']);
        }

        pickle.Write("u."u8);
        Assert.Equal(200_000, Assert.IsType<Dictionary<object, object?>>(PickleReader.Read(pickle.ToArray())).Count);
    }

    [Theory]
    [InlineData(new[] { 0, 3 }, new[] { 0, 2, 3 }, "column 3")]
    [InlineData(new[] { 0, -1 }, new[] { 0, 1, 2 }, "column -1")]
    [InlineData(new[] { 0, 1 }, new[] { 0, 3, 2 }, "before row")]
    [InlineData(new[] { 0, 1 }, new[] { 0, 1, 3 }, "row starts from 0 to 3")]
    [InlineData(new[] { 0, 1 }, new[] { 0, 2 }, "2 row starts for 2 rows")]
    public void SparseCsr_of_parts_that_do_not_fit_is_refused(int[] indices, int[] indPtr, string expected)
    {
        NpyArray values = NpyArray.Of<float>(new float[indices.Length], indices.Length);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => SparseCsr.Of(values, NpyArray.Of<int>(indices, indices.Length), NpyArray.Of<int>(indPtr, indPtr.Length), [2, 3]));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SparseCsr_without_columns_holds_nothing()
    {
        NpyArray values = NpyArray.Of<float>([1f], 1), starts = NpyArray.Of<int>([0, 1], 2);
        Assert.Throws<InvalidDataException>(() => SparseCsr.Of(values, NpyArray.Of<int>([0], 1), starts, [1, 0]));
        Assert.Empty(SparseCsr.Of(NpyArray.Of<float>([], 0), NpyArray.Of<int>([], 0), NpyArray.Of<int>([0, 0], 2), [1, 0]).Indices);
    }
}
