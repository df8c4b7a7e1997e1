using CsCheck;
using MambaExt.Data;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Data;

/// <summary>Readers of damaged files succeed or refuse them as invalid data, without taking much memory.</summary>
public sealed class HostileFilesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Pickles_of_every_protocol(int protocol) => Fuzz(PickleSamples.Of(protocol), bytes => PickleReader.Read(bytes), 3000, head: 2000);

    [Theory]
    [InlineData("ind.cora.x")]
    [InlineData("ind.cora.y")]
    [InlineData("ind.cora.graph")]
    public void Planetoid_pickles(string name) =>
        Fuzz(File.ReadAllBytes(SharedData.Require("data", "graph", "planetoid", name)), bytes => PickleReader.Read(bytes), 400);

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }", 48)]
    [InlineData("{'descr': '>U2', 'fortran_order': False, 'shape': (6,), }", 48)]
    [InlineData("{'descr': '|b1', 'fortran_order': False, 'shape': (2, 24), }", 48)]
    public void Npy_files(string header, int bytes) => Fuzz(NpyFileTests.File(header, new byte[bytes]), ReadNpy, 4000, head: 80);

    [Theory]
    [InlineData("geom-gcn/texas/texas_split_0.6_0.2_0.npz", 2000, 700)]
    [InlineData("graphdata/amazon-photo_split.npz", 500, 400)]
    [InlineData("heterophilous/minesweeper.npz", 100, 400)]
    public void Npz_files(string name, int count, int head)
    {
        byte[] sample = File.ReadAllBytes(SharedData.Require("data", "graph", name));
        Fuzz(sample, ReadNpz, count, head);

        // A zip keeps its directory at the end: the same changes there, seen from the back.
        HostileBytes.Of([.. sample.Reverse()], head).Sample(bytes => HostileBytes.ReadsOrRefuses([.. bytes.Reverse()], ReadNpz), iter: count);
    }

    private static void Fuzz(byte[] sample, Action<byte[]> read, int count, int head = 400) =>
        HostileBytes.Of(sample, head).Sample(bytes => HostileBytes.ReadsOrRefuses(bytes, read), iter: count);

    private static void ReadNpy(byte[] bytes) => Touch(NpyFile.Parse(bytes));

    private static void ReadNpz(byte[] bytes)
    {
        using NpzFile file = NpzFile.Open(new MemoryStream(bytes), "damaged.npz");
        foreach (string key in file.Keys)
        {
            Touch(file[key]);
        }
    }

    private static void Touch(NpyArray array)
    {
        switch (array.Type)
        {
            case NpyType.Text or NpyType.Bytes:
                array.ToStrings();
                break;
            case NpyType.Object:
                break;
            default:
                array.ToDoubles();
                break;
        }
    }
}
