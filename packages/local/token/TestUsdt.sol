// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// The test token: balances, every way to move them (transfer, transferFrom, an EIP-2612 permit, many in one
/// transaction), and the issuer's power to freeze an address. Its code is placed at USDT's own address on the local
/// chains without running a constructor, so none may be needed.
contract TestUsdt {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error Frozen();
    error TooLittle();
    error NotSigned();

    /// Storage slot 0: the faucet's balance is written into it directly.
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => uint256) public nonces;
    mapping(address => bool) private frozen;

    string public constant name = "Tether USD (test)";
    string public constant symbol = "USDT";
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    /// 18 on BNB Smart Chain, 6 on the others.
    function decimals() external view returns (uint8) {
        return block.chainid == 56 ? 18 : 6;
    }

    /// The name of this function in the contract on TRON.
    function isBlackListed(address who) external view returns (bool) {
        return frozen[who];
    }

    /// The name of this function in the contract on Polygon.
    function isBlocked(address who) external view returns (bool) {
        return frozen[who];
    }

    function freeze(address who, bool is_) external {
        frozen[who] = is_;
    }

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return move(msg.sender, to, value);
    }

    function transferMany(address[] calldata to, uint256[] calldata values) external {
        for (uint256 at = 0; at < to.length; at++) move(msg.sender, to[at], values[at]);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        return permitted(msg.sender, spender, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (allowance[from][msg.sender] < value) revert TooLittle();
        allowance[from][msg.sender] -= value;
        return move(from, to, value);
    }

    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
    }

    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        bytes32 digest = keccak256(abi.encode(PERMIT, owner, spender, value, nonces[owner]++, deadline));
        address signer = ecrecover(keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), digest)), v, r, s);
        if (signer == address(0) || signer != owner || block.timestamp > deadline) revert NotSigned();
        permitted(owner, spender, value);
    }

    function permitted(address owner, address spender, uint256 value) private returns (bool) {
        allowance[owner][spender] = value;
        emit Approval(owner, spender, value);
        return true;
    }

    function move(address from, address to, uint256 value) private returns (bool) {
        if (frozen[from]) revert Frozen();
        if (balanceOf[from] < value) revert TooLittle();
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}
