namespace MambaExt.Graph.DataSets;

/// <summary>From files to <see cref="DataVariant"/>.</summary>
internal static class Variants
{
    public static DataVariant Of(IReadOnlyList<DataSetFile> files) =>
        files.Any(file => file.Official == false) ? DataVariant.Unofficial
        : files.All(file => file.Official == true) ? DataVariant.Official
        : DataVariant.Unverified;
}
