using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>CIFAR-10 and CIFAR-100 in their binary versions: as the published archive, or as the files in it.</summary>
internal static class CifarSet
{
    private const string FirstBatch = "data_batch_1.bin", ArchiveEnd = ".tar.gz";

    public static ImageDataSet Load(ImageRequest request, IReadOnlyList<string> classNames)
    {
        string first = request.In(request.Files[0]);
        MemoryImages? test = request.Options.TestFile is { } own ? CifarFile.Read([own], classNames.Count) : null;
        if (first.EndsWith(ArchiveEnd, StringComparison.Ordinal))
        {
            using FileStream stream = File.OpenRead(first);
            IReadOnlyList<(string Name, byte[] Bytes)> files = CifarArchive.Read(stream, request.Files[0]);
            return request.Set(Part(files, false, request.Files[0], classNames), test ?? Part(files, true, request.Files[0], classNames), classNames, Paths(first));
        }

        string[] train = request.Files[0] == FirstBatch ? [.. Batches(request)] : [first];
        string testFile = request.In(request.Files[1]);
        return request.Set(
            CifarFile.Read(train, classNames.Count), test ?? CifarFile.Read([testFile], classNames.Count), classNames, Paths([.. train, .. test is null ? [testFile] : Array.Empty<string>()]));

        IEnumerable<string> Paths(params string[] read) => request.Options.TestFile is null ? read : [.. read, request.Options.TestFile];
    }

    private static MemoryImages Part(IReadOnlyList<(string Name, byte[] Bytes)> files, bool test, string archive, IReadOnlyList<string> classNames)
    {
        (string, byte[])[] part = [.. files.Where(file => file.Name.StartsWith("test", StringComparison.Ordinal) == test)];
        return part.Length > 0 ? CifarFile.Join(part, classNames.Count)
            : throw BadFile.At(archive, 0, $"no {(test ? "test" : "training")} images among {files.Count} .bin files", "the archive as it was published", "download the file again");
    }

    /// <summary>data_batch_1.bin, data_batch_2.bin and so on, as many as there are.</summary>
    private static IEnumerable<string> Batches(ImageRequest request)
    {
        yield return request.In(FirstBatch);
        for (int b = 2; File.Exists(request.In(FormattableString.Invariant($"data_batch_{b}.bin"))); b++)
        {
            yield return request.In(FormattableString.Invariant($"data_batch_{b}.bin"));
        }
    }
}
