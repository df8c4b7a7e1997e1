using System.Buffers.Binary;
using System.Text;
using CsCheck;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Kernels.Tests;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mambaext").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Write_then_read_gives_back_every_type_shape_and_text()
    {
        SafetensorsEntry[] written =
        [
            SafetensorsEntry.Of<double>("f64", [1.5, double.NaN, -0.0], 3),
            SafetensorsEntry.Of<float>("f32", [1, 2, 3, 4, 5, 6], 2, 3),
            SafetensorsEntry.Of<Half>("f16", [(Half)0.5], 1),
            new("bf16", SafetensorsType.BF16, [2], new byte[] { 0x80, 0x3F, 0, 0x40 }),
            SafetensorsEntry.Of<long>("i64", [long.MinValue]),
            SafetensorsEntry.Of<int>("i32", [-1, 2], 1, 2, 1),
            SafetensorsEntry.Of<short>("i16", [-300], 1),
            SafetensorsEntry.Of<sbyte>("i8", [-3], 1),
            SafetensorsEntry.Of<byte>("u8 \"é\n", [250, 1, 2], 3),
            SafetensorsEntry.Of<bool>("bool", [true, false], 2),
            SafetensorsEntry.Of<float>("empty", [], 4, 0),
        ];

        SafetensorsFile read = WriteAndRead(written, new Dictionary<string, string> { ["op"] = "scan", ["unit"] = "µ" });

        Assert.Equal(written.Length, read.Entries.Count);
        foreach (SafetensorsEntry entry in written)
        {
            Assert.Equal(entry.ToString(), read[entry.Name].ToString());
            Assert.Equal(entry.Data.ToArray(), read[entry.Name].Data.ToArray());
        }

        Assert.Equal([1, 2, 3, 4, 5, 6], read["f32"].Span<float>().ToArray());
        Assert.Equal([true, false], read["bool"].Span<bool>().ToArray());
        Assert.Equal([0x3F80, 0x4000], read["bf16"].Span<ushort>().ToArray());
        Assert.Equal(0, read["i64"].Shape.Length);
        Assert.Equal("µ", read.Metadata["unit"]);
        Assert.Equal(2, read.Metadata.Count);
    }

    [Fact]
    public void Write_gives_the_same_aligned_bytes_in_any_order_and_leaves_no_partial_file()
    {
        SafetensorsEntry[] entries =
        [
            SafetensorsEntry.Of<byte>("a", [1, 2, 3], 3), SafetensorsEntry.Of<double>("b", [1], 1), SafetensorsEntry.Of<float>("c", [1], 1),
        ];
        string first = Path.Combine(folder, "first"), second = Path.Combine(folder, "second");

        SafetensorsFile.Write(first, entries);
        SafetensorsFile.Write(second, entries.Reverse());
        SafetensorsFile.Write(second, entries.Reverse());

        byte[] bytes = File.ReadAllBytes(first);
        Assert.Equal(bytes, File.ReadAllBytes(second));
        Assert.Equal(0UL, BinaryPrimitives.ReadUInt64LittleEndian(bytes) % 8);
        Assert.Equal(["b", "c", "a"], SafetensorsFile.Read(first).Entries.Select(e => e.Name));
        Assert.Equal(2, Directory.GetFiles(folder).Length);
    }

    [Fact]
    public void Write_that_fails_keeps_the_older_file()
    {
        string path = Path.Combine(folder, "kept");
        File.WriteAllText(path, "old");

        Assert.Throws<TimeoutException>(() => PartialFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new TimeoutException("the disk went away");
        }));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void Write_then_parse_is_the_identity_for_random_arrays() =>
        Gen.Select(Gen.String[Gen.Char["abc._é"], 1, 8], Gen.Double.Array[0, 20], Gen.Byte.Array[0, 9]).Sample((name, doubles, bytes) =>
        {
            string path = Path.Combine(folder, $"{Guid.NewGuid():N}");
            SafetensorsFile.Write(path, [SafetensorsEntry.Of<double>(name, doubles, doubles.Length), SafetensorsEntry.Of<byte>(name + "2", bytes, 1, bytes.Length)]);
            SafetensorsFile read = SafetensorsFile.Parse(File.ReadAllBytes(path));
            Assert.Equal(doubles, read[name].Span<double>().ToArray());
            Assert.Equal(bytes, read[name + "2"].Span<byte>().ToArray());
        }, iter: 50);

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "offsets as far apart")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "end at data offset 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "no gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "no overlap")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "twice")]
    [InlineData("""{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, "'C64'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "offsets as far apart")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}""", 0, "offsets as far apart")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 0, "offsets as far apart")]
    [InlineData("""{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}""", 1, "0 and 1")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "metadata key 'a'")]
    [InlineData("""[]""", 0, "a JSON Array")]
    [InlineData("""{"\ud800":{}}""", 0, "not JSON")]
    [InlineData("""{""", 0, "not JSON")]
    public void Parse_of_a_broken_header_says_what_is_wrong(string header, int dataBytes, string expected)
    {
        byte[] file = [.. BitConverter.GetBytes((ulong)header.Length), .. Encoding.UTF8.GetBytes(header), .. Enumerable.Repeat((byte)7, dataBytes)];

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Parse(file, "weights.safetensors"));

        Assert.StartsWith("weights.safetensors, offset ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_of_a_header_longer_than_the_file_is_refused_before_memory_is_taken()
    {
        byte[] file = [.. BitConverter.GetBytes(99_000_000UL), .. "{}"u8];
        string path = Path.Combine(folder, "long");
        File.WriteAllBytes(path, file);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => SafetensorsFile.Parse(file));
        Assert.Throws<InvalidDataException>(() => SafetensorsFile.Read(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Read_of_a_missing_file_names_it() =>
        Assert.Contains("nowhere.safetensors", Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Read("nowhere.safetensors")).Message, StringComparison.Ordinal);

    [Fact]
    public void Span_of_another_type_is_refused()
    {
        SafetensorsEntry entry = SafetensorsEntry.Of<float>("w", [1f], 1);
        Assert.Contains("F32", Assert.Throws<InvalidOperationException>(() => _ = entry.Span<int>()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_of_every_golden_file_finds_what_its_metadata_lists()
    {
        string[] files = Directory.GetFiles(SharedData.Require("golden", "scan"), "*.safetensors");
        Assert.Equal(292, files.Length);
        foreach (string path in files)
        {
            SafetensorsFile file = SafetensorsFile.Read(path);
            foreach (string list in new[] { "inputs", "outputs", "cotangents", "gradients" })
            {
                Assert.All(file.Metadata[list].Split(',', StringSplitOptions.RemoveEmptyEntries), name => Assert.NotNull(file.Find(name)));
            }

            SafetensorsFile again = SafetensorsFile.Parse(File.ReadAllBytes(path));
            Assert.Equal(file.Entries.Select(e => e.ToString()), again.Entries.Select(e => e.ToString()));
        }
    }

    [Fact]
    public void Parse_of_damaged_files_succeeds_or_is_refused()
    {
        byte[] sample = File.ReadAllBytes(SharedData.Require("golden", "scan", "conv_L1_D5_W3_b1_silu.safetensors"));
        HostileBytes.Of(sample).Sample(bytes => HostileBytes.ReadsOrRefuses(bytes, damaged =>
        {
            foreach (SafetensorsEntry entry in SafetensorsFile.Parse(damaged).Entries)
            {
                Assert.Equal(entry.Count * entry.Type.Size(), entry.Data.Length);
            }
        }), iter: 20_000);
    }

    private SafetensorsFile WriteAndRead(IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        string path = Path.Combine(folder, "file.safetensors");
        SafetensorsFile.Write(path, entries, metadata);
        return SafetensorsFile.Read(path);
    }
}
