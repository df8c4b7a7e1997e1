namespace MambaExt.Data;

/// <summary>Reads Python pickles, protocols 0 to 4, of NumPy, SciPy and collections data; it runs nothing and knows a fixed list of names.</summary>
/// <remarks>
/// Values become: None null, integers <see cref="long"/>, floats <see cref="double"/>, text and Python 2 strings (Latin-1) <see cref="string"/>,
/// bytes <c>byte[]</c>, tuples <c>object?[]</c>, lists <c>List&lt;object?&gt;</c>, dicts of every kind <c>Dictionary&lt;object, object?&gt;</c>,
/// sets <c>HashSet&lt;object&gt;</c>, arrays <see cref="NpyArray"/>, csr_matrix <see cref="SparseCsr"/>.
/// </remarks>
public static class PickleReader
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file breaks the format or names what is not allowed.</exception>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public static object? Read(string path) => Read(DataFile.ReadAllBytes(path), Path.GetFileName(path));

    /// <summary>Reads a pickle that is in memory; messages call it <paramref name="name"/> and count from <paramref name="origin"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes break the format or name what is not allowed.</exception>
    public static object? Read(ReadOnlyMemory<byte> bytes, string name = "memory", long origin = 0) =>
        new PickleMachine(new PickleInput(bytes, name, origin)).Run();
}
