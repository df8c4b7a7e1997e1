namespace MambaExt.Data.Images;

/// <summary>CIFAR-10 and CIFAR-100 from the files of their binary versions.</summary>
internal static class CifarSet
{
    private const string FirstBatch = "data_batch_1.bin";

    public static ImageDataSet Load(ImageRequest request, IReadOnlyList<string> classNames)
    {
        string[] train = request.Files[0] == FirstBatch ? [.. Batches(request)] : [request.In(request.Files[0])];
        string test = request.Options.TestFile ?? request.In(request.Files[1]);
        return request.Set(CifarFile.Read(train, classNames.Count), CifarFile.Read([test], classNames.Count), classNames, [.. train, test]);
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
